namespace Gantry.Cli.Logs;

/// <summary>
/// Reads whole lines of a file that may still grow: a line without its line feed is kept until the rest comes.
/// </summary>
internal sealed class LineReader(Stream file)
{
    /// <summary>Runtimes cut lines at 16 KiB; a file that has a longer one is no CRI log, but it must not fill the memory.</summary>
    private const int MaxLineBytes = 1 << 20;

    private byte[] _buffer = new byte[64 << 10];
    private int _start;
    private int _end;

    /// <summary>Where the next line begins in the file.</summary>
    public long Position { get; private set; }

    /// <summary>The next line without its line feed; false at what is, for now, the file's end.</summary>
    /// <param name="line">Valid until the next call.</param>
    public bool TryRead(out ReadOnlySpan<byte> line)
    {
        var searched = 0;
        while (true)
        {
            var rest = _buffer.AsSpan(_start, _end - _start);
            var feed = rest[searched..].IndexOf((byte)'\n');
            if (feed >= 0 || rest.Length >= MaxLineBytes)
            {
                var length = feed >= 0 ? searched + feed : rest.Length;
                var taken = feed >= 0 ? length + 1 : length;
                line = rest[..length];
                _start += taken;
                Position += taken;
                return true;
            }
            searched = rest.Length;
            if (!Fill())
            {
                line = default;
                return false;
            }
        }
    }

    /// <summary>Goes on at another place, with nothing kept of what was read ahead.</summary>
    public void Seek(long position)
    {
        file.Seek(position, SeekOrigin.Begin);
        _start = _end = 0;
        Position = position;
    }

    /// <summary>What remains at the end without a line feed, for a file that will grow no more.</summary>
    public ReadOnlySpan<byte> Rest() => _buffer.AsSpan(_start, _end - _start);

    private bool Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }
        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, _buffer.Length * 2);
        var read = file.Read(_buffer, _end, _buffer.Length - _end);
        _end += read;
        return read > 0;
    }
}
