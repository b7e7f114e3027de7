using System.Text;
using Gantry.Linux;
using Gantry.Linux.Descriptors;
using Gantry.Monitor.Contract;

namespace Gantry.Monitor;

/// <summary>
/// The daemon's connections: each line of theirs is a request, answered by a line. A connection that attaches is answered
/// and handed over.
/// </summary>
internal sealed class ControlConnections(FileDescriptor listener, LogFile log, ContainerProcess container, AttachClients attached)
{
    private const int Most = 16;
    private readonly FileDescriptor?[] _open = new FileDescriptor?[Most];
    private readonly int[] _places = new int[Most];
    private readonly bool[] _isWatching = new bool[Most];
    private byte[]? _exit;
    private readonly byte[] _buffer = new byte[256];
    private int _listenerPlace;

    /// <summary>Tells everyone who watches how the container ended: its record has no other way out for now.</summary>
    public void Tell(string exitLine)
    {
        _exit = Encoding.UTF8.GetBytes(exitLine + "\n");
        for (var n = 0; n < Most; n++)
        {
            if (_open[n] is { } connection && _isWatching[n])
                DescriptorIo.WriteAll(connection, _exit);
        }
    }

    /// <summary>Whether the daemon asked to end without a record.</summary>
    public bool IsStopped { get; private set; }

    public void AddTo(Poller poller)
    {
        _listenerPlace = poller.Add(listener);
        for (var n = 0; n < Most; n++)
            _places[n] = poller.Add(_open[n]);
    }

    public void Serve(Poller poller)
    {
        for (var n = 0; n < Most; n++)
        {
            if (poller.IsReady(_places[n]))
                Serve(n);
        }
        if (poller.IsReady(_listenerPlace))
            Accept();
    }

    private void Accept()
    {
        while (UnixSocket.TryAccept(listener) is { } connection)
        {
            var free = Array.IndexOf(_open, null);
            if (free < 0)
                connection.Dispose();
            else
            {
                _open[free] = connection;
                _isWatching[free] = false;
            }
        }
    }

    private void Serve(int n)
    {
        var connection = _open[n]!;
        var outcome = DescriptorIo.Read(connection, _buffer, out var count);
        if (outcome == IoOutcome.WouldBlock)
            return;
        if (outcome != IoOutcome.Done)
        {
            connection.Dispose();
            _open[n] = null;
            return;
        }
        // Requests are shorter than a socket's smallest buffer, so that a line always arrives whole.
        foreach (var line in Encoding.UTF8.GetString(_buffer, 0, count).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (AttachKindOf(line) is { } kind)
            {
                _open[n] = null;
                Attach(kind, connection);
                return;
            }
            _isWatching[n] |= line == ControlMessage.Watch;
            if (line == ControlMessage.Watch && _exit is not null)
                DescriptorIo.WriteAll(connection, _exit);
            else
                DescriptorIo.WriteAll(connection, Encoding.UTF8.GetBytes(Answer(line) + "\n"));
        }
    }

    private static AttachKind? AttachKindOf(string line) => line switch
    {
        ControlMessage.AttachInput => AttachKind.Input,
        ControlMessage.AttachOutput => AttachKind.Output,
        ControlMessage.AttachError => AttachKind.Error,
        ControlMessage.AttachTerminal => AttachKind.Terminal,
        _ => null,
    };

    private void Attach(AttachKind kind, FileDescriptor connection)
    {
        // Without room there is no answer but the end. What the container writes follows the answer: nothing is passed on in between.
        if (attached.TryAdd(kind, connection))
            DescriptorIo.WriteAll(connection, "ok\n"u8);
        else
            connection.Dispose();
    }

    private string Resize(string size)
    {
        var parts = size.Split(' ');
        if (parts.Length != 2 || !int.TryParse(parts[0], out var columns) || !int.TryParse(parts[1], out var rows))
            return ControlMessage.Error + "a size is two numbers";
        if (container.HasTerminal && container.Output is { IsClosed: false } terminal)
            Terminal.SetSize(terminal, columns, rows);
        return ControlMessage.Ok;
    }

    private string Answer(string line)
    {
        switch (line)
        {
            case ControlMessage.Watch:
                return ControlMessage.Ok;
            case ControlMessage.Stop:
                IsStopped = true;
                return ControlMessage.Ok;
            case ControlMessage.ReopenLog:
                try
                {
                    log.Open();
                    return ControlMessage.Ok;
                }
                catch (SyscallException e)
                {
                    return ControlMessage.Error + e.Message;
                }
            case { } when line.StartsWith(ControlMessage.Resize, StringComparison.Ordinal):
                return Resize(line[ControlMessage.Resize.Length..]);
            default:
                return ControlMessage.Error + "unknown request";
        }
    }
}
