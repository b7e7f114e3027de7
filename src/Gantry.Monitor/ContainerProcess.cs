using System.Globalization;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Processes;
using Gantry.Monitor.Contract;

namespace Gantry.Monitor;

/// <summary>The container's process: made by the OCI runtime's create, and adopted by this process when that has ended.</summary>
internal sealed class ContainerProcess
{
    private const string PidFile = "pid";
    private const string RuntimeLog = "runtime.log";
    private const string ConsoleSocket = "console.sock";

    private ContainerProcess(int pid, PidFd? descriptor, FileDescriptor? output, FileDescriptor? error, FileDescriptor? input, OomWatch oom)
    {
        Pid = pid;
        Descriptor = descriptor;
        Output = output;
        Error = error;
        Input = input;
        Oom = oom;
    }

    public int Pid { get; }

    /// <summary>Readable when the process has ended; null if it had already.</summary>
    public PidFd? Descriptor { get; }

    /// <summary>Its standard output, or the pty.</summary>
    public FileDescriptor? Output { get; }

    /// <summary>Null where it has a pty.</summary>
    public FileDescriptor? Error { get; }

    /// <summary>Its standard input's writing end; null for /dev/null and for a pty.</summary>
    public FileDescriptor? Input { get; }

    public bool HasTerminal => Error is null;

    public OomWatch Oom { get; }

    /// <summary>Runs the runtime's create.</summary>
    /// <exception cref="InvalidOperationException">The runtime failed; the message is its own.</exception>
    public static ContainerProcess Create(LaunchRequest request)
    {
        using var copy = request.HasRuntimeCopy ? new FileDescriptor(ControlMessage.RuntimeDescriptor) : null;
        using var output = request.HasTerminal ? null : Pipe.Open();
        using var error = request.HasTerminal ? null : Pipe.Open();
        using var input = request.HasInput && !request.HasTerminal ? Pipe.Open() : null;
        using var console = request.HasTerminal ? UnixSocket.Listen(ConsoleSocket) : null;
        // Whole paths: crun may be in another mount namespace, and so in another directory, by the time that it writes the pid.
        var arguments = new List<string>(request.RuntimeArguments)
        {
            "--log", Path.Combine(request.Bundle, RuntimeLog), "--log-format", "json", "create", "--bundle", request.Bundle, "--pid-file", Path.Combine(request.Bundle, PidFile),
        };
        if (console is not null)
        {
            // By this process's working directory: a socket's path may have 107 bytes, and a bundle's own name has 64 of them.
            arguments.AddRange(["--console-socket", $"/proc/{Environment.ProcessId}/cwd/{ConsoleSocket}"]);
        }
        arguments.Add(request.Id);
        var runtime = ProcessSpawn.Start(new SpawnRequest(request.Runtime, arguments) { Copy = copy, Descriptors = [input?.Reader, output?.Writer, error?.Writer] });
        var terminal = console is null ? null : ReceiveTerminal(console, runtime);
        var code = ProcessWait.Reap(runtime);
        if (code != 0)
            throw new InvalidOperationException($"{Path.GetFileName(request.Runtime)} create ended with {code}: {RuntimeMessage(error)}");
        var pid = int.Parse(File.ReadAllText(PidFile), NumberStyles.None, CultureInfo.InvariantCulture);
        return new ContainerProcess(pid, PidFd.TryOpen(pid), terminal ?? Keep(output!.Reader), error is null ? null : Keep(error.Reader), input is null ? null : Keep(input.Writer), OomWatch.Open(pid));
    }

    /// <summary>A descriptor of its own that outlives the pipe object, and never blocks.</summary>
    private static FileDescriptor Keep(FileDescriptor end)
    {
        var kept = end.Move();
        Pipe.SetNonBlocking(kept);
        return kept;
    }

    /// <summary>The pty's master, which the runtime passes while it creates the container.</summary>
    private static FileDescriptor? ReceiveTerminal(FileDescriptor console, int runtime)
    {
        var poller = new Poller();
        using var process = PidFd.TryOpen(runtime);
        while (true)
        {
            poller.Clear();
            var waiting = poller.Add(console);
            var ended = poller.Add(process);
            poller.Wait(-1);
            if (poller.IsReady(waiting) && UnixSocket.TryAccept(console) is { } connection)
            {
                using (connection)
                {
                    poller.Clear();
                    poller.Add(connection);
                    poller.Wait(5000);
                    var master = UnixSocket.ReceiveDescriptor(connection);
                    if (master is not null)
                        Pipe.SetNonBlocking(master);
                    return master;
                }
            }
            if (poller.IsReady(ended))
                return null;
        }
    }

    /// <summary>The last message of the runtime's JSON log, or else what it wrote to standard error.</summary>
    private static string RuntimeMessage(Pipe? error)
    {
        var line = File.Exists(RuntimeLog) ? Last(File.ReadAllText(RuntimeLog)) : "";
        var start = line.IndexOf("\"msg\":", StringComparison.Ordinal);
        if (start >= 0)
            return JsonText(line, line.IndexOf('"', start + 6) + 1);
        var buffer = new byte[4096];
        if (error is null)
            return "it said nothing";
        Pipe.SetNonBlocking(error.Reader);
        return DescriptorIo.Read(error.Reader, buffer, out var count) == IoOutcome.Done ? System.Text.Encoding.UTF8.GetString(buffer, 0, count).Trim() : "it said nothing";
    }

    private static string Last(string text)
    {
        var trimmed = text.TrimEnd('\n');
        return trimmed[(trimmed.LastIndexOf('\n') + 1)..];
    }

    /// <summary>A JSON string's content from <paramref name="start"/> to its closing quote.</summary>
    private static string JsonText(string line, int start)
    {
        var text = new System.Text.StringBuilder();
        for (var n = start; n < line.Length && line[n] != '"'; n++)
        {
            if (line[n] == '\\' && n + 1 < line.Length)
                text.Append(line[++n] is 'n' ? ' ' : line[n]);
            else
                text.Append(line[n]);
        }
        return text.ToString();
    }
}
