using System.Text;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;
using Gantry.Linux.Processes;
using Gantry.Monitor.Contract;

namespace Gantry.Monitor;

/// <summary>
/// The monitor's life: one thread, one poll. It copies output to the log and to attached clients, answers the daemon, and ends when the container's
/// process has ended and its record is written.
/// </summary>
internal sealed class MonitorLoop(ContainerProcess container, LogFile log, FileDescriptor listener, AttachClients attached, string exitPath)
{
    /// <summary>Orphans of a container that shares the node's PID namespace come to this process; they are reaped this often.</summary>
    private const int ReapMilliseconds = 30_000;
    private const int DrainMilliseconds = 100;
    private const int DrainLimitMilliseconds = 5000;
    private const int RetryMilliseconds = 1000;
    private const int BehindMilliseconds = 1000;
    private const int WriteNew = 0x1 | 0x40 | 0x200; // O_WRONLY | O_CREAT | O_TRUNC
    private const uint Mode = 0b110_000_000;
    private readonly Poller _poller = new();
    private readonly ControlConnections _connections = new(listener, log, container, attached);
    private readonly LogLines _outputLines = new(log, "stdout"u8.ToArray(), attached, AttachKind.Output);
    private readonly LogLines _errorLines = new(log, "stderr"u8.ToArray(), attached, AttachKind.Error);
    private FileDescriptor? _output = container.Output;
    private FileDescriptor? _error = container.Error;
    private int? _code;

    public void Run()
    {
        while (_code is null && !_connections.IsStopped)
            Step(ReapMilliseconds);
        if (_code is not { } code)
            return;
        var finished = Now();
        var oom = container.Oom.HasKilled();
        // What the process wrote is in the pipes; a child of its that lives on may hold them open, or go on
        // writing, and is not waited for.
        var until = Environment.TickCount64 + DrainLimitMilliseconds;
        while ((_output is not null || _error is not null) && Step(DrainMilliseconds) > 0 && Environment.TickCount64 < until)
        {
        }
        log.Flush();
        // Nobody else knows the code: a full disk is waited out, and the daemon is told and answered meanwhile.
        var record = new ExitRecord(code, finished, oom);
        var bytes = Encoding.ASCII.GetBytes(record.ToText());
        if (TryWriteExit(bytes))
            return;
        _connections.Tell(record.ToLine());
        while (!_connections.IsStopped && !TryWriteExit(bytes))
            Step(RetryMilliseconds);
    }

    private static long Now() => (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks * 100;

    private int Step(int milliseconds)
    {
        _poller.Clear();
        // Once the process has ended, the little that a terminal still holds has room in any client's buffer.
        var waits = attached.IsBehind && _code is null;
        var output = waits ? -1 : _poller.Add(_output);
        var error = _poller.Add(_error);
        var process = _code is null ? _poller.Add(container.Descriptor) : -1;
        _connections.AddTo(_poller);
        attached.AddTo(_poller);
        var ready = _poller.Wait(container.Descriptor is null && _code is null ? 0 : waits ? BehindMilliseconds : milliseconds);
        if (_poller.IsReady(output) && !_outputLines.Read(_output!, mayWait: _code is null))
            Close(ref _output, AttachKind.Output);
        if (_poller.IsReady(error) && !_errorLines.Read(_error!, mayWait: _code is null))
            Close(ref _error, AttachKind.Error);
        attached.Serve(_poller);
        _connections.Serve(_poller);
        if (_code is null && (ready == 0 || _poller.IsReady(process)))
            Reap();
        return ready;
    }

    private void Close(ref FileDescriptor? file, AttachKind kind)
    {
        attached.End(kind);
        file!.Dispose();
        file = null;
    }

    private void Reap()
    {
        while (ProcessWait.TryReapAny(out var code) is var pid and not 0)
        {
            if (pid == container.Pid)
                _code = code;
        }
    }

    /// <summary>Aside, then renamed: the daemon reads a whole record or none.</summary>
    private bool TryWriteExit(ReadOnlySpan<byte> record)
    {
        var aside = exitPath + ".new";
        try
        {
            using (var file = RegularFile.Open(aside, WriteNew, Mode))
            {
                if (!DescriptorIo.WriteAll(file, record))
                    return false;
            }
            File.Move(aside, exitPath, overwrite: true);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
