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

    public ReadOnlyMemory<byte> StandardInput { get; init; }

    public string? WorkingDirectory { get; init; }

    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Of each output stream; what comes beyond is read and dropped, so that the program never blocks.</summary>
    public int MaxOutputBytes { get; init; } = 1 << 20;

    /// <summary>Called when time is up or the caller has left, just before the program is killed.</summary>
    public Action? BeforeKill { get; init; }
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
    private const int StackSize = 256 << 10;

    /// <summary>Runs the program to its end.</summary>
    /// <exception cref="SyscallException">It cannot be started.</exception>
    /// <exception cref="OperationCanceledException">The caller left; the program and its process group have been killed.</exception>
    public static Task<ToolResult> RunAsync(ToolRequest request, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var done = new TaskCompletionSource<ToolResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        // A thread of its own: poll and waitpid block, and the thread pool is for work that does not.
        var thread = new Thread(() => Complete(request, done, cancel), StackSize) { IsBackground = true, Name = "tool" };
        thread.Start();
        return done.Task;
    }

    private static void Complete(ToolRequest request, TaskCompletionSource<ToolResult> done, CancellationToken cancel)
    {
        try
        {
            using var run = new ToolRun(request);
            var result = run.ToEnd(cancel);
            if (cancel.IsCancellationRequested && run.WasKilled)
                done.TrySetCanceled(cancel);
            else
                done.TrySetResult(result);
        }
        catch (Exception e)
        {
            done.TrySetException(e);
        }
    }

    private sealed class ToolRun : IDisposable
    {
        private static readonly TimeSpan _killGrace = TimeSpan.FromSeconds(2);
        private readonly ToolRequest _request;
        private readonly Pipe _input = Pipe.Open();
        private readonly Pipe _output = Pipe.Open();
        private readonly Pipe _error = Pipe.Open();
        private readonly Pipe _wake = Pipe.Open();
        private readonly MemoryStream _outputBytes = new();
        private readonly MemoryStream _errorBytes = new();
        private readonly byte[] _buffer = new byte[16 << 10];
        private int _inputSent;

        public ToolRun(ToolRequest request) => _request = request;

        public bool WasKilled { get; private set; }

        public ToolResult ToEnd(CancellationToken cancel)
        {
            var pid = ProcessSpawn.Start(new SpawnRequest(_request.Path, _request.Arguments)
            {
                Environment = _request.Environment,
                WorkingDirectory = _request.WorkingDirectory,
                Descriptors = [_input.Reader, _output.Writer, _error.Writer],
            });
            _input.Reader.Dispose();
            _output.Writer.Dispose();
            _error.Writer.Dispose();
            Pipe.SetNonBlocking(_input.Writer);
            Pipe.SetNonBlocking(_output.Reader);
            Pipe.SetNonBlocking(_error.Reader);
            using var process = PidFd.TryOpen(pid);
            using var registration = cancel.Register(static wake => DescriptorIo.WriteAll(((Pipe)wake!).Writer, [1]), _wake);
            var code = Loop(pid, process, cancel, out var timedOut);
            Drain(_output.Reader, _outputBytes);
            Drain(_error.Reader, _errorBytes);
            return new ToolResult(code, _outputBytes.ToArray(), _errorBytes.ToArray(), timedOut);
        }

        public void Dispose()
        {
            _input.Dispose();
            _output.Dispose();
            _error.Dispose();
            _wake.Dispose();
        }

        private int Loop(int pid, PidFd? process, CancellationToken cancel, out bool timedOut)
        {
            timedOut = false;
            var clock = Stopwatch.StartNew();
            var poller = new Poller();
            while (true)
            {
                if (ProcessWait.TryReap(pid, out var code))
                    return code;
                var isLate = _request.Timeout != System.Threading.Timeout.InfiniteTimeSpan && clock.Elapsed >= _request.Timeout;
                if (isLate || cancel.IsCancellationRequested)
                {
                    timedOut = isLate && !cancel.IsCancellationRequested;
                    return Kill(pid);
                }
                poller.Clear();
                poller.Add(process);
                poller.Add(_wake.Reader);
                var output = poller.Add(IsOpen(_output.Reader));
                var error = poller.Add(IsOpen(_error.Reader));
                var input = poller.Add(IsOpen(_input.Writer), write: true);
                poller.Wait(Remaining(clock));
                if (poller.IsReady(output) && Drain(_output.Reader, _outputBytes))
                    _output.Reader.Dispose();
                if (poller.IsReady(error) && Drain(_error.Reader, _errorBytes))
                    _error.Reader.Dispose();
                if (poller.IsReady(input) || (_inputSent == 0 && _request.StandardInput.IsEmpty))
                    Feed();
            }
        }

        private static FileDescriptor? IsOpen(FileDescriptor file) => file.IsClosed ? null : file;

        private int Remaining(Stopwatch clock) => _request.Timeout == System.Threading.Timeout.InfiniteTimeSpan
            ? -1
            : (int)Math.Clamp((_request.Timeout - clock.Elapsed).TotalMilliseconds + 1, 0, 60_000);

        private int Kill(int pid)
        {
            WasKilled = true;
            if (_request.BeforeKill is { } before)
            {
                before();
                // Let the program see the end of what was killed for it, and reap it.
                var clock = Stopwatch.StartNew();
                using var process = PidFd.TryOpen(pid);
                var poller = new Poller();
                while (clock.Elapsed < _killGrace)
                {
                    if (ProcessWait.TryReap(pid, out var ended))
                        return ended;
                    poller.Clear();
                    poller.Add(process);
                    poller.Wait(50);
                }
            }
            Signals.Send(-pid, Signals.Kill);
            Signals.Send(pid, Signals.Kill);
            return ProcessWait.Reap(pid);
        }

        private void Feed()
        {
            if (_input.Writer.IsClosed)
                return;
            var rest = _request.StandardInput.Span[_inputSent..];
            if (rest.Length > 0)
            {
                var outcome = DescriptorIo.Write(_input.Writer, rest, out var count);
                _inputSent += count;
                if (outcome is IoOutcome.WouldBlock || (outcome is IoOutcome.Done && _inputSent < _request.StandardInput.Length))
                    return;
            }
            _input.Writer.Dispose();
        }

        /// <summary>Takes what is there; true when the other side is closed.</summary>
        private bool Drain(FileDescriptor file, MemoryStream into)
        {
            while (!file.IsClosed)
            {
                var outcome = DescriptorIo.Read(file, _buffer, out var count);
                if (outcome != IoOutcome.Done)
                    return outcome != IoOutcome.WouldBlock;
                var room = _request.MaxOutputBytes - (int)into.Length;
                into.Write(_buffer, 0, Math.Min(count, Math.Max(room, 0)));
            }
            return true;
        }
    }
}
