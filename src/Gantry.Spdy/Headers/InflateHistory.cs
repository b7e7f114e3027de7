namespace Gantry.Spdy.Headers;

/// <summary>The last 32 KiB that a stream inflated to, which later blocks copy from. It grows as it is filled.</summary>
internal sealed class InflateHistory
{
    private const int Window = 32 << 10;
    private byte[] _bytes = new byte[2 << 10];
    private int _length;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (_length + bytes.Length > _bytes.Length)
            MakeRoom(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }

    /// <summary>The byte that many before the end.</summary>
    /// <exception cref="SpdyException">That is before the start, or outside the window.</exception>
    public byte Back(int distance) => distance <= Math.Min(_length, Window)
        ? _bytes[_length - distance]
        : throw new SpdyException("a header block copies from before its start");

    private void MakeRoom(int more)
    {
        var kept = Math.Min(_length, Window);
        var size = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(kept + more));
        var target = size > _bytes.Length ? new byte[size] : _bytes;
        _bytes.AsSpan(_length - kept, kept).CopyTo(target);
        _bytes = target;
        _length = kept;
    }
}
