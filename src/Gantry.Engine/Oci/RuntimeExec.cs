using System.Diagnostics;
using System.Text;
using Gantry.Concurrency;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Processes;
using Gantry.Oci.Spec;

namespace Gantry.Oci;

/// <summary>
/// Starts processes in running containers by the runtime's exec --detach: the runtime ends when the process runs, and this
/// daemon, as the subreaper of its descendants, becomes the process's parent and learns its status.
/// </summary>
internal sealed class RuntimeExec(RuntimeHandler handler, RuntimeLimits limits, ExecSpawner spawner)
{
    /// <summary>A container in which every exec hangs (frozen, say) takes no more than this of the places that all share.</summary>
    private const int MostStartsOfOne = 16;

    private readonly KeyedLock<ContainerId> _starts = new(MostStartsOfOne);

    /// <inheritdoc cref="IContainerRuntime.StartProcessAsync"/>
    public async Task<RunningProcess> StartAsync(ContainerId id, OciProcess process, bool hasInput, string folder, CancellationToken cancel)
    {
        using var own = await _starts.EnterAsync(id, cancel);
        using var place = await limits.Calls.EnterAsync(cancel);
        using var files = new ExecFiles(folder, process);
        try
        {
            return process.Terminal
                ? await StartWithTerminalAsync(id, files, hasInput, folder, cancel)
                : await StartWithPipesAsync(id, files, hasInput, cancel);
        }
        catch (Exception e) when (e is OperationCanceledException or TimedOutException)
        {
            files.KillStarted();
            throw;
        }
    }

    private async Task<RunningProcess> StartWithPipesAsync(ContainerId id, ExecFiles files, bool hasInput, CancellationToken cancel)
    {
        using var input = hasInput ? Pipe.Open() : null;
        using var output = Pipe.Open();
        using var error = Pipe.Open();
        var since = Stopwatch.GetTimestamp();
        var runtime = await SpawnAsync(id, files, [], [input?.Reader, output.Writer, error.Writer]);
        input?.Reader.Dispose();
        output.Writer.Dispose();
        error.Writer.Dispose();
        var code = await WaitAsync(id, runtime, cancel);
        if (code != 0)
            throw await FailureAsync(id, files, code, error.Reader.Move());
        var inputStream = input is null ? null : new DescriptorStream(input.Writer.Move());
        return new RunningProcess(PidOf(id, files), since, inputStream, new DescriptorStream(output.Reader.Move()), new DescriptorStream(error.Reader.Move()));
    }

    private async Task<RunningProcess> StartWithTerminalAsync(ContainerId id, ExecFiles files, bool hasInput, string folder, CancellationToken cancel)
    {
        using var error = Pipe.Open();
        using var console = new ConsoleSocket(folder);
        var since = Stopwatch.GetTimestamp();
        var runtime = await SpawnAsync(id, files, ["--console-socket", console.PathForChild], [null, error.Writer, error.Writer]);
        error.Writer.Dispose();
        using var ended = new CancellationTokenSource();
        var receiving = console.ReceiveAsync(ended.Token);
        int code;
        try
        {
            code = await WaitAsync(id, runtime, cancel);
        }
        catch
        {
            await ended.CancelAsync();
            (await receiving)?.Dispose();
            throw;
        }
        if (code != 0)
            await ended.CancelAsync();
        var master = await receiving;
        if (code != 0 || master is null)
        {
            master?.Dispose();
            throw await FailureAsync(id, files, code, error.Reader.Move());
        }
        var terminal = new DescriptorStream(master);
        return new RunningProcess(PidOf(id, files), since, hasInput ? terminal : null, terminal, null);
    }

    private async Task<int> SpawnAsync(ContainerId id, ExecFiles files, IReadOnlyList<string> more, IReadOnlyList<FileDescriptor?> descriptors)
    {
        var since = Stopwatch.GetTimestamp();
        var pid = await spawner.SpawnAsync(new SpawnRequest(
            handler.Path,
            [
                .. handler.GlobalArguments, "--log", files.Log, "--log-format", "json",
                "exec", "--detach", "--process", files.Process, "--pid-file", files.Pid, .. more, id.Value,
            ])
        { Copy = handler.Program.Current(), Descriptors = descriptors, Environment = handler.ProcessEnvironment });
        ChildReaper.Claim(pid, since);
        return pid;
    }

    private async Task<int> WaitAsync(ContainerId id, int runtime, CancellationToken cancel)
    {
        using var process = PidFd.TryOpen(runtime);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(limits.Deadline);
        try
        {
            return await ChildReaper.ReapAsync(runtime, process, limit.Token);
        }
        catch (OperationCanceledException e)
        {
            // With the process that it was about to hand over.
            ProcessTree.Kill(runtime);
            process?.Send(Signals.Kill);
            ChildReaper.Release(runtime);
            cancel.ThrowIfCancellationRequested();
            throw new TimedOutException($"exec in container {id.Short}: {handler.Name} exec did not start it within {limits.Deadline.TotalSeconds:0.###} s, and was killed", e);
        }
    }

    private int PidOf(ContainerId id, ExecFiles files) => files.ReadPid()
        ?? throw new ToolFailedException($"exec in container {id.Short}: {handler.Name} exec succeeded and told no pid", 0, "");

    private async Task<ToolFailedException> FailureAsync(ContainerId id, ExecFiles files, int code, FileDescriptor errors)
    {
        var said = await OutputCollector.CollectAsync(errors, new OutputBudget(4096), new CancellationToken(canceled: true));
        var words = RuntimeLog.LastMessage(files.Log);
        if (words.Length == 0)
            words = Encoding.UTF8.GetString(said).Trim().ReplaceLineEndings(" ");
        return new ToolFailedException(
            $"exec in container {id.Short}: {handler.Name} exec failed: {(words.Length > 0 ? words : $"it ended with {code}")}", code, words);
    }

    /// <summary>The socket over which a runtime hands a terminal's master out (runtime-spec, "console socket").</summary>
    private sealed class ConsoleSocket : IDisposable
    {
        private readonly FileDescriptor _folder;
        private readonly FileDescriptor _listener;
        private readonly string _name = $"tty-{Guid.NewGuid():N}";

        public ConsoleSocket(string folder)
        {
            // By the open directory: a socket's path may have 107 bytes, and a container's directory has 64 in its name alone.
            _folder = Linux.Files.RegularFile.OpenDirectory(folder);
            try
            {
                _listener = UnixSocket.Listen($"{_folder.ProcPath}/{_name}");
            }
            catch (SyscallException)
            {
                _folder.Dispose();
                throw;
            }
        }

        public string PathForChild => $"/proc/{Environment.ProcessId}/fd/{_folder.Number}/{_name}";

        public async Task<FileDescriptor?> ReceiveAsync(CancellationToken ended)
        {
            try
            {
                while (true)
                {
                    await Reactor.Shared.WaitReadableAsync(_listener, ended);
                    using var connection = UnixSocket.TryAccept(_listener);
                    if (connection is null)
                        continue;
                    await Reactor.Shared.WaitReadableAsync(connection, ended);
                    return UnixSocket.ReceiveDescriptor(connection);
                }
            }
            catch (OperationCanceledException)
            {
                return null;
            }
        }

        public void Dispose()
        {
            File.Delete($"{_folder.ProcPath}/{_name}");
            _listener.Dispose();
            _folder.Dispose();
        }
    }
}
