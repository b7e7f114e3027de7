using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Processes;
using Gantry.Monitor.Contract;
using Gantry.Oci;
using Gantry.Persistence;
using Microsoft.Extensions.Logging;

namespace Gantry.Monitoring;

/// <summary>Starts gantry-monitor processes, finds those of an earlier daemon, and learns of their containers' ends.</summary>
public sealed class MonitorLauncher(string monitorPath, NodePaths paths, RuntimeLimits limits, TimeProvider time, ILogger log) : IMonitors
{
    private static readonly TimeSpan _answerDeadline = TimeSpan.FromSeconds(5);
    private readonly Channel<ContainerExit> _exits = Channel.CreateUnbounded<ContainerExit>();
    private readonly ConcurrentDictionary<ContainerId, MonitorConnection> _connections = [];

    public ChannelReader<ContainerExit> Exits => _exits.Reader;

    public async Task<int> LaunchAsync(MonitorLaunch launch, CancellationToken cancel)
    {
        var copy = launch.Handler.Program.Current();
        var request = new LaunchRequest(
            launch.Id.Value, launch.Handler.Path, copy is not null, launch.Handler.GlobalArguments, launch.Bundle, launch.LogPath, launch.ExitPath, launch.Terminal, launch.Stdin, launch.StdinOnce);
        var file = Path.Combine(launch.Bundle, LaunchRequest.FileName);
        using var place = await limits.Calls.EnterAsync(cancel);
        AtomicFile.Write(file, request.ToText());
        var monitor = Spawn(file, launch.Handler.Environment, copy, out var report);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(limits.Deadline);
        string answer;
        try
        {
            answer = await ReadReportAsync(report, limit.Token);
        }
        catch (OperationCanceledException)
        {
            // With the runtime, which has a process group of its own, and what that has made.
            ProcessTree.Kill(monitor);
            cancel.ThrowIfCancellationRequested();
            throw new TimedOutException(
                $"container {launch.Id.Short}: {launch.Handler.Name} create did not end within {limits.Deadline.TotalSeconds:0.###} s, and was killed: look for a hung mount or cgroup");
        }
        if (!answer.StartsWith(ControlMessage.Pid, StringComparison.Ordinal))
        {
            var message = answer.StartsWith(ControlMessage.Error, StringComparison.Ordinal) ? answer[ControlMessage.Error.Length..] : "its monitor ended without a word";
            throw new ToolFailedException($"container {launch.Id.Short} could not be created: {message}", 1, message);
        }
        var pid = int.Parse(answer.AsSpan(ControlMessage.Pid.Length), NumberStyles.None, CultureInfo.InvariantCulture);
        if (!await ReconnectAsync(launch.Id, cancel))
            log.MonitorNotReached(launch.Id);
        return pid;
    }

    public async Task<bool> ReconnectAsync(ContainerId id, CancellationToken cancel)
    {
        var connection = await MonitorConnection.TryOpenAsync(paths.ContainerBundle(id), cancel);
        if (connection is null)
            return false;
        _connections[id] = connection;
        _ = WatchAsync(id, connection);
        return true;
    }

    public async Task ReopenLogAsync(ContainerId id, CancellationToken cancel)
    {
        var answer = await AskAsync(id, ControlMessage.ReopenLog, cancel)
            ?? throw new WrongStateException($"container {id.Short}: its monitor is gone, so its log cannot be reopened");
        if (answer != ControlMessage.Ok)
            throw new WrongStateException($"container {id.Short}: its log could not be reopened: {answer}");
    }

    public Task<AttachedStreams> AttachAsync(ContainerId id, AttachRequest request, CancellationToken cancel) =>
        AttachedStreams.OpenAsync(id, paths.ContainerBundle(id), request, cancel);

    public async Task StopAsync(ContainerId id)
    {
        try
        {
            await AskAsync(id, ControlMessage.Stop, CancellationToken.None);
        }
        catch (TimedOutException)
        {
            log.MonitorNotReached(id);
            Kill(id);
        }
        if (_connections.TryRemove(id, out var connection))
            connection.Dispose();
    }

    public void Kill(ContainerId id)
    {
        foreach (var pid in MonitorProcess.Find(Path.Combine(paths.ContainerBundle(id), LaunchRequest.FileName)))
            ProcessTree.Kill(pid);
    }

    private int Spawn(string launchFile, IReadOnlyList<string> environment, FileDescriptor? copy, out FileDescriptor report)
    {
        using var pipe = Pipe.Open();
        try
        {
            var pid = ProcessSpawn.Start(new SpawnRequest(monitorPath, [launchFile])
            {
                // The runtime has the monitor's.
                Environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", .. environment],
                Descriptors = copy is null ? [null, null, null, pipe.Writer] : [null, null, null, pipe.Writer, copy],
                NewSession = true,
            });
            report = pipe.Reader.Move();
            return pid;
        }
        catch (SyscallException e) when (e.Errno == Errno.ENOENT)
        {
            throw new ToolFailedException($"gantry-monitor was not found at {monitorPath}: install it there, or set monitor in the configuration", -1, "", e);
        }
    }

    private static async Task<string> ReadReportAsync(FileDescriptor report, CancellationToken cancel)
    {
        await using var stream = new DescriptorStream(report);
        using var text = new MemoryStream();
        await stream.CopyToAsync(text, cancel);
        return Encoding.UTF8.GetString(text.ToArray()).Trim();
    }

    private async Task<string?> AskAsync(ContainerId id, string request, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_answerDeadline);
        try
        {
            using var connection = await MonitorConnection.TryOpenAsync(paths.ContainerBundle(id), limit.Token);
            return connection is null ? null : await connection.AskAsync(request, limit.Token);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new TimedOutException($"container {id.Short}: its monitor does not answer: look whether it is stopped, or writes to a hung disk", e);
        }
    }

    private async Task WatchAsync(ContainerId id, MonitorConnection connection)
    {
        var told = await connection.WatchAsync();
        connection.Dispose();
        // Removed by StopAsync: nobody is interested in the end any more.
        if (!_connections.TryRemove(new KeyValuePair<ContainerId, MonitorConnection>(id, connection)))
            return;
        var exit = told is null ? ReadExit(id) : new ContainerExit(id, told.Code, told.FinishedAt, told.OomKilled);
        if (exit is null)
            log.MonitorDied(id);
        _exits.Writer.TryWrite(exit ?? new ContainerExit(id, 255, time.Nanoseconds(), false) { IsLost = true });
    }

    public ContainerExit? ReadExit(ContainerId id)
    {
        try
        {
            return ExitRecord.TryParse(File.ReadAllText(paths.ContainerExit(id))) is { } record
                ? new ContainerExit(id, record.Code, record.FinishedAt, record.OomKilled)
                : null;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
