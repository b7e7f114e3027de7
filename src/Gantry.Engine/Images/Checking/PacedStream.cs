using Gantry.Linux.Descriptors;

namespace Gantry.Images.Checking;

/// <summary>Reads no faster than a limit allows; blocks the thread, which is one of its own.</summary>
internal sealed class PacedStream(Stream source, RateLimit? rate, CancellationToken cancel) : ReadOnlyStream
{
    public override long Length => source.Length;

    public override long Position
    {
        get => source.Position;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        var read = source.Read(buffer);
        rate?.Take(read, cancel);
        return read;
    }
}
