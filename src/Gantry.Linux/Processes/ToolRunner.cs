using System.Diagnostics;
using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Processes;

/// <summary>A program to run to its end.</summary>
/// <param name="Path">Absolute.</param>
/// <param name="Arguments">Without the program's own name.</param>
public sealed record ToolRequest(string Path, IReadOnlyList<string> Arguments)
{
    /// <summary>NAME=value; null for this process's own.</summary>
    public IReadOnlyList<string>? Environment { get; init; }

    /// <inheritdoc cref="SpawnRequest.Copy"/>
    public FileDescriptor? Copy { get; init; }

    public ReadOnlyMemory<byte> StandardInput { get; init; }

    public string? WorkingDirectory { get; init; }

    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Of each output stream; what comes beyond is read and dropped, so that the program never blocks.</summary>
    public int MaxOutputBytes { get; init; } = 1 << 20;
}

/// <summary>How a program ended.</summary>
/// <param name="ExitCode">0 to 255, or 128 + n for signal n.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="ErrorOutput">Its standard error.</param>
/// <param name="TimedOut">Whether it was killed because its time was up.</param>
public sealed record ToolResult(int ExitCode, byte[] Output, byte[] ErrorOutput, bool TimedOut);

/// <summary>Runs programs and collects what they write. A child of theirs that keeps the pipes open delays nobody.</summary>
public static class ToolRunner
{
    /// <summary>Runs the program to its end.</summary>
    /// <exception cref="SyscallException">It cannot be started.</exception>
    /// <exception cref="OperationCanceledException">The caller left; the program and its process group have been killed.</exception>
    public static async Task<ToolResult> RunAsync(ToolRequest request, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        using var input = Pipe.Open();
        using var output = Pipe.Open();
        using var error = Pipe.Open();
        var since = Stopwatch.GetTimestamp();
        var pid = ProcessSpawn.Start(new SpawnRequest(request.Path, request.Arguments)
        {
            Copy = request.Copy,
            Environment = request.Environment,
            WorkingDirectory = request.WorkingDirectory,
            Descriptors = [input.Reader, output.Writer, error.Writer],
        });
        ChildReaper.Claim(pid, since);
        using var process = PidFd.TryOpen(pid);
        input.Reader.Dispose();
        output.Writer.Dispose();
        error.Writer.Dispose();
        using var ended = new CancellationTokenSource();
        var feeding = FeedAsync(input.Writer.Move(), request.StandardInput, ended.Token);
        var outputBytes = OutputCollector.CollectAsync(output.Reader.Move(), new OutputBudget(request.MaxOutputBytes), ended.Token);
        var errorBytes = OutputCollector.CollectAsync(error.Reader.Move(), new OutputBudget(request.MaxOutputBytes), ended.Token);
        var (code, timedOut) = await WaitAsync(pid, process, request.Timeout, cancel);
        await ended.CancelAsync();
        await feeding;
        var result = new ToolResult(code, await outputBytes, await errorBytes, timedOut);
        if (!timedOut)
            cancel.ThrowIfCancellationRequested();
        return result;
    }

    private static async Task<(int Code, bool TimedOut)> WaitAsync(int pid, PidFd? process, TimeSpan timeout, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        if (timeout != System.Threading.Timeout.InfiniteTimeSpan)
            limit.CancelAfter(timeout);
        try
        {
            return (await ChildReaper.ReapAsync(pid, process, limit.Token), false);
        }
        catch (OperationCanceledException)
        {
            Signals.Send(-pid, Signals.Kill);
            process?.Send(Signals.Kill);
            // Killed programs end soon; one that hangs in the kernel is left to the reaper.
            using var grace = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            try
            {
                return (await ChildReaper.ReapAsync(pid, process, grace.Token), !cancel.IsCancellationRequested);
            }
            catch (OperationCanceledException)
            {
                ChildReaper.Release(pid);
                return (128 + Signals.Kill, !cancel.IsCancellationRequested);
            }
        }
    }

    private static async Task FeedAsync(FileDescriptor file, ReadOnlyMemory<byte> bytes, CancellationToken ended)
    {
        await using var stream = new DescriptorStream(file);
        try
        {
            if (!bytes.IsEmpty)
                await stream.WriteAsync(bytes, ended);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The program did not want it all.
        }
    }
}
