namespace Gantry.Linux.Descriptors;

/// <summary>
/// A pipe's end or a terminal as a stream that waits without a thread. One reader and one writer at a time. Disposing
/// closes the descriptor and ends waits with an OperationCanceledException.
/// </summary>
public sealed class DescriptorStream : Stream
{
    private readonly CancellationTokenSource _closing = new();
    private readonly FileDescriptor _file;

    /// <param name="file">Owned by the stream from here on; it is made non-blocking.</param>
    public DescriptorStream(FileDescriptor file)
    {
        _file = file;
        Pipe.SetNonBlocking(file);
    }

    /// <summary>The descriptor, for calls other than reading and writing; valid while the stream is not disposed.</summary>
    public FileDescriptor File => _file;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Reads what is there, without waiting.</summary>
    /// <param name="count">Bytes read; 0 unless the outcome is Done.</param>
    public IoOutcome TryRead(Span<byte> buffer, out int count) => DescriptorIo.Read(_file, buffer, out count);

    /// <summary>Waits until a read has something to give, or the other side is gone.</summary>
    public Task WaitReadableAsync(CancellationToken cancel) => WaitAsync(write: false, cancel);

    /// <summary>With an empty buffer it waits until there is something to read: a wait that holds no memory.</summary>
    /// <returns>0 when the other side has closed.</returns>
    /// <exception cref="IOException">The descriptor failed.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            await WaitReadableAsync(cancellationToken);
            return 0;
        }
        while (true)
        {
            switch (TryRead(buffer.Span, out var count))
            {
                case IoOutcome.Done:
                    return count;
                case IoOutcome.Ended:
                    return 0;
                case IoOutcome.WouldBlock:
                    await WaitAsync(write: false, cancellationToken);
                    break;
                default:
                    throw new SyscallException("read", LastErrno.Get(), "descriptor");
            }
        }
    }

    /// <exception cref="IOException">The other side has closed.</exception>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            switch (DescriptorIo.Write(_file, buffer.Span, out var count))
            {
                case IoOutcome.Done:
                    buffer = buffer[count..];
                    break;
                case IoOutcome.WouldBlock:
                    await WaitAsync(write: true, cancellationToken);
                    break;
                default:
                    throw new SyscallException("write", LastErrno.Get(), "descriptor");
            }
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("read asynchronously");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("write asynchronously");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_file.IsClosed)
        {
            // The waits first: a closed descriptor's number may be another's at once.
            _closing.Cancel();
            _file.Dispose();
            _closing.Dispose();
        }
        base.Dispose(disposing);
    }

    private async Task WaitAsync(bool write, CancellationToken cancel)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, _closing.Token);
        await (write ? Reactor.Shared.WaitWritableAsync(_file, both.Token) : Reactor.Shared.WaitReadableAsync(_file, both.Token));
    }
}
