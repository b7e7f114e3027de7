using Gantry.Linux.Descriptors;

namespace Gantry.Images.Unpacking;

/// <summary>What one thread puts into a ring, as a stream for another.</summary>
internal sealed class RingStream(BlockRing ring, CancellationToken cancel) : ReadOnlyStream
{
    private ReadOnlyMemory<byte> _rest;
    private bool _isAtEnd;

    /// <summary>Fills the buffer, but for the end.</summary>
    /// <exception cref="BlockRingException">The other thread failed.</exception>
    public override int Read(Span<byte> buffer)
    {
        var filled = 0;
        while (filled < buffer.Length && !_isAtEnd)
        {
            if (_rest.IsEmpty)
            {
                _rest = ring.Next(cancel);
                _isAtEnd = _rest.IsEmpty;
            }
            var count = Math.Min(buffer.Length - filled, _rest.Length);
            _rest.Span[..count].CopyTo(buffer[filled..]);
            _rest = _rest[count..];
            filled += count;
        }
        return filled;
    }
}
