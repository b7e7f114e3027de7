using System.Text;
using Gantry.Cri.Api;
using Google.Protobuf;

namespace Gantry.Conformance;

/// <summary>A container of a spec.</summary>
public sealed class SpecContainer(SpecContext context, SpecPod pod, string id, ContainerConfig config)
{
    public string Id { get; } = id;

    public SpecPod Pod { get; } = pod;

    public ContainerConfig Config { get; } = config;

    public string LogPath => Path.Combine(Pod.Config.LogDirectory, Config.LogPath);

    public async Task StartAsync() => await context.Runtime.StartContainerAsync(new StartContainerRequest { ContainerId = Id });

    public async Task StopAsync(long grace = 0) => await context.Runtime.StopContainerAsync(new StopContainerRequest { ContainerId = Id, Timeout = grace });

    public async Task RemoveAsync() => await context.Runtime.RemoveContainerAsync(new RemoveContainerRequest { ContainerId = Id });

    public async Task<ContainerStatus> StatusAsync() =>
        (await context.Runtime.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = Id })).Status;

    /// <summary>Waits until the container has ended and returns its status.</summary>
    public async Task<ContainerStatus> WaitForExitAsync(TimeSpan? limit = null)
    {
        ContainerStatus status = null!;
        await Check.EventuallyAsync(
            async () =>
            {
                status = await StatusAsync();
                return status.State == ContainerState.ContainerExited;
            },
            $"container {Config.Metadata.Name} has exited", limit ?? TimeSpan.FromSeconds(30));
        return status;
    }

    public async Task<ExecSyncResponse> ExecAsync(params string[] command) => await ExecAsync(0, command);

    public async Task<ExecSyncResponse> ExecAsync(long timeoutSeconds, params string[] command)
    {
        var request = new ExecSyncRequest { ContainerId = Id, Timeout = timeoutSeconds };
        request.Cmd.Add(command);
        return await context.Runtime.ExecSyncAsync(request);
    }

    /// <summary>What a shell script writes, run in the container; it must end well.</summary>
    public async Task<string> ShellAsync(string script)
    {
        var answer = await ExecAsync("sh", "-c", script);
        Check.True(answer.ExitCode == 0, $"'{script}' ended with {answer.ExitCode}: {Text(answer.Stderr)}");
        return Text(answer.Stdout).TrimEnd('\n');
    }

    /// <summary>What the log holds of a stream, parts joined.</summary>
    public string ReadLog(string stream)
    {
        var text = new StringBuilder();
        foreach (var line in LogEntry.ReadAll(LogPath).Where(line => line.Stream == stream))
            text.Append(line.Content).Append(line.Tag == "F" ? "\n" : "");
        return text.ToString();
    }

    public static string Text(ByteString bytes) => bytes.ToString(Encoding.UTF8);
}

/// <summary>A line of a CRI log file.</summary>
public sealed record LogEntry(string Time, string Stream, string Tag, string Content)
{
    /// <exception cref="SpecFailedException">A line is not of the CRI's format.</exception>
    public static IReadOnlyList<LogEntry> ReadAll(string path)
    {
        var text = File.Exists(path) ? File.ReadAllText(path, Encoding.Latin1) : "";
        var entries = new List<LogEntry>();
        foreach (var line in text.Split('\n')[..^1])
        {
            var parts = line.Split(' ', 4);
            if (parts.Length != 4 || parts[1] is not ("stdout" or "stderr") || parts[2] is not ("P" or "F"))
                throw new SpecFailedException($"log {path} has the line '{line[..Math.Min(line.Length, 100)]}'");
            entries.Add(new LogEntry(parts[0], parts[1], parts[2], parts[3]));
        }
        return entries;
    }
}
