namespace Gantry.Images.Unpacking;

/// <summary>Passes a stream on while it hashes and counts what was read, up to the image's limit.</summary>
internal sealed class DigestingStream(Stream source, ContentHash hash, LayerBudget budget, RateLimit? rate, CancellationToken cancel) : Stream
{
    /// <summary>Bytes read so far.</summary>
    internal long Count { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => Count;
        set => throw new NotSupportedException();
    }

    /// <exception cref="Faults.ResourceExhaustedException">There is more than the limit.</exception>
    public override int Read(Span<byte> buffer)
    {
        var read = source.Read(buffer);
        Count += read;
        budget.TakeBytes(read);
        hash.Append(buffer[..read]);
        rate?.Take(read, cancel);
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            source.Dispose();
        base.Dispose(disposing);
    }
}
