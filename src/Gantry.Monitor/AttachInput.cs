using Gantry.Linux.Descriptors;

namespace Gantry.Monitor;

/// <summary>
/// Feeds the container's input. What the container does not take yet is at most one buffer; meanwhile no client is read,
/// so that it waits in its turn.
/// </summary>
/// <param name="container">Whose input it is: a pipe, or its terminal.</param>
/// <param name="endsWithClient">Whether the pipe is closed when the first client has left.</param>
internal sealed class AttachInput(ContainerProcess container, bool endsWithClient)
{
    private const int Size = 4 << 10;
    private FileDescriptor? _target = container.HasTerminal ? container.Output : container.Input;
    private byte[]? _buffer;
    private int _start;
    private int _length;
    private int _place;

    /// <summary>Whether the container has not taken all of what came.</summary>
    public bool IsWaiting => _length > 0;

    public void AddTo(Poller poller) => _place = IsWaiting ? poller.Add(_target, write: true) : -1;

    public void Serve(Poller poller)
    {
        if (poller.IsReady(_place))
            Write();
    }

    /// <summary>Reads from a client.</summary>
    /// <returns>False when it has finished, or left.</returns>
    public bool Take(FileDescriptor client)
    {
        _buffer ??= new byte[Size];
        var outcome = DescriptorIo.Read(client, _buffer, out var count);
        if (outcome is IoOutcome.WouldBlock)
            return true;
        if (outcome is not IoOutcome.Done)
        {
            if (endsWithClient && !container.HasTerminal)
                Close();
            return false;
        }
        (_start, _length) = (0, count);
        Write();
        return true;
    }

    /// <summary>The terminal is gone: nothing can be typed any more.</summary>
    public void Forget()
    {
        _target = null;
        _length = 0;
    }

    private void Write()
    {
        while (_length > 0)
        {
            if (_target is null)
            {
                // Nobody reads it any more.
                _length = 0;
                return;
            }
            var outcome = DescriptorIo.Write(_target, _buffer.AsSpan(_start, _length), out var count);
            if (outcome is IoOutcome.WouldBlock)
                return;
            if (outcome is not IoOutcome.Done)
                Close();
            _start += count;
            _length -= count;
        }
    }

    private void Close()
    {
        if (!container.HasTerminal)
            _target?.Dispose();
        Forget();
    }
}
