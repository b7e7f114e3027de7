using Gantry.Linux.Descriptors;

namespace Gantry.Images.Unpacking;

/// <summary>Passes a stream on while it hashes and counts what was read, up to the image's limit.</summary>
internal sealed class DigestingStream(Stream source, ContentHash hash, LayerBudget budget, RateLimit? rate, CancellationToken cancel) : ReadOnlyStream
{
    /// <summary>Bytes read so far.</summary>
    internal long Count { get; private set; }

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

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            source.Dispose();
        base.Dispose(disposing);
    }
}
