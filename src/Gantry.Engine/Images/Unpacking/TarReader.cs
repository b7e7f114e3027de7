using System.Buffers;

namespace Gantry.Images.Unpacking;

/// <summary>
/// Reads a tar archive from a stream, front to back: ustar, PAX, GNU long names and sparse files, base-256 numbers. Names
/// and attribute values stay bytes. Nothing that a header says makes it allocate more than <see cref="MaxHeaderContent"/>.
/// </summary>
/// <remarks>Every failure to understand the archive is an <see cref="InvalidDataException"/> that says what of which entry is wrong.</remarks>
internal sealed class TarReader : IDisposable
{
    internal const int MaxHeaderContent = 1024 * 1024;
    internal const int MaxPath = 4096;

    /// <summary>One piece of a file at a time: a few large writes cost the kernel less than many small ones.</summary>
    private const int BufferSize = 128 * 1024;

    /// <summary>Pieces of files end where pages do: a page that is written in two parts is looked up twice.</summary>
    private const int PageSize = 4096;

    private readonly Stream _source;
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
    private bool _isDisposed;
    private int _start;
    private int _end;
    private long _contentLeft;
    private int _padding;

    /// <param name="source">Disposed with this reader.</param>
    internal TarReader(Stream source) => _source = source;

    /// <summary>Bytes read of the stream so far.</summary>
    internal long Count { get; private set; }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _source.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
    }

    /// <summary>The next entry, whatever was not read of the one before; null at the end of the archive.</summary>
    /// <exception cref="InvalidDataException">The archive is damaged, or asks for more than the limits allow.</exception>
    internal TarEntry? Next(CancellationToken cancel)
    {
        SkipContent(cancel);
        byte[]? longName = null;
        byte[]? longLink = null;
        PaxRecords? pax = null;
        while (true)
        {
            if (!Fill(TarHeader.BlockSize, cancel))
                return _end == _start ? null : throw new InvalidDataException("the archive ends within a header");
            if (!_buffer.AsSpan(_start, TarHeader.BlockSize).ContainsAnyExcept((byte)0))
                return null;
            var flag = CheckHeader(out var size);
            switch (flag)
            {
                case (byte)'L':
                    longName = CutAtNul(ReadHeaderContent(size, "long name", cancel));
                    break;
                case (byte)'K':
                    longLink = CutAtNul(ReadHeaderContent(size, "long link", cancel));
                    break;
                case (byte)'x' or (byte)'X':
                    pax = PaxRecords.Parse(ReadHeaderContent(size, "PAX header", cancel));
                    break;
                case (byte)'g':
                    // Global records carry a comment (git archive), nothing that a layer needs.
                    ReadHeaderContent(size, "global PAX header", cancel);
                    break;
                default:
                    return BeginEntry(longName, longLink, pax, cancel);
            }
        }
    }

    /// <summary>The next piece of the current entry's content, valid until the next call; empty at its end.</summary>
    /// <exception cref="InvalidDataException">The archive ends before the content does.</exception>
    internal ReadOnlySpan<byte> ReadContent(CancellationToken cancel) => ReadContent(long.MaxValue, cancel);

    /// <summary>As above, and of at most <paramref name="limit"/> bytes.</summary>
    internal ReadOnlySpan<byte> ReadContent(long limit, CancellationToken cancel)
    {
        if (_contentLeft == 0)
            return default;
        var wanted = Math.Min(limit, _contentLeft);
        if (!Fill((int)Math.Min(wanted, PageSize), cancel) && _start == _end)
            throw new InvalidDataException("the archive ends within a file");
        var there = _end - _start;
        var length = there >= wanted ? (int)wanted : there > PageSize ? there & -PageSize : there;
        var piece = _buffer.AsSpan(_start, length);
        _start += length;
        _contentLeft -= length;
        return piece;
    }

    /// <summary>Reads and drops everything behind the archive's end, so that all of the stream was seen.</summary>
    internal void Drain(CancellationToken cancel)
    {
        do
            _start = _end = 0;
        while (Fill(1, cancel));
    }

    private byte CheckHeader(out long size)
    {
        var header = new TarHeader(_buffer.AsSpan(_start, TarHeader.BlockSize));
        if (!header.HasValidChecksum)
            throw new InvalidDataException("a header's checksum is wrong; this is no tar archive, or a damaged one");
        size = header.Size;
        if (size < 0)
            throw new InvalidDataException("a header's size is negative");
        return header.TypeFlag;
    }

    private byte[] ReadHeaderContent(long size, string what, CancellationToken cancel)
    {
        if (size > MaxHeaderContent)
            throw new InvalidDataException($"a {what} of {size} bytes is longer than the {MaxHeaderContent} that are allowed");
        _start += TarHeader.BlockSize;
        Begin(size);
        return ReadExactly((int)size, cancel);
    }

    private byte[] ReadExactly(int count, CancellationToken cancel)
    {
        var content = new byte[count];
        for (var at = 0; at < count;)
        {
            var piece = ReadContent(count - at, cancel);
            if (piece.IsEmpty)
                throw new InvalidDataException("a header's content is shorter than it says");
            piece.CopyTo(content.AsSpan(at));
            at += piece.Length;
        }
        if (_contentLeft == 0)
            SkipContent(cancel);
        return content;
    }

    private TarEntry BeginEntry(byte[]? longName, byte[]? longLink, PaxRecords? pax, CancellationToken cancel)
    {
        var entry = Describe(new TarHeader(_buffer.AsSpan(_start, TarHeader.BlockSize)), longName, longLink, pax, out var sparse, out var more);
        _start += TarHeader.BlockSize;
        while (more)
        {
            if (!Fill(TarHeader.BlockSize, cancel))
                throw new InvalidDataException("the archive ends within a sparse map");
            more = SparseMap.Append(sparse!, _buffer.AsSpan(_start, TarHeader.BlockSize));
            _start += TarHeader.BlockSize;
        }
        Begin(entry.Size);
        if (pax is { IsSparse: true } && entry.Kind == TarKind.Regular)
        {
            sparse = SparseMap.Read(count => ReadExactly(count, cancel), entry.Size);
            entry.Size = _contentLeft;
        }
        if (sparse is not null)
        {
            SparseMap.Check(sparse, entry);
            entry.Sparse = sparse;
        }
        return entry;
    }

    private static TarEntry Describe(
        TarHeader header, byte[]? longName, byte[]? longLink, PaxRecords? pax, out List<SparsePiece>? sparse, out bool more)
    {
        var path = pax?.Path ?? longName ?? header.Name;
        var link = pax?.LinkTarget ?? longLink ?? header.LinkName;
        if (path.Length > MaxPath || link.Length > MaxPath)
            throw new InvalidDataException($"a path of {Math.Max(path.Length, link.Length)} bytes is longer than the {MaxPath} that are allowed");
        var kind = KindOf(header.TypeFlag, path);
        // A size in the header of something that has no content means nothing (POSIX ustar, "typeflag").
        var size = kind is TarKind.Regular or TarKind.Unknown ? pax?.Size ?? header.Size : 0;
        var isOldSparse = header.TypeFlag == (byte)'S';
        sparse = isOldSparse ? [] : null;
        more = isOldSparse && SparseMap.Append(sparse!, header.SparsePieces, header.HasSparseExtension);
        var (seconds, nanoseconds) = pax?.Modified ?? (header.Modified, 0);
        var isDevice = kind is TarKind.CharacterDevice or TarKind.BlockDevice;
        return new TarEntry
        {
            Kind = kind,
            Path = path,
            LinkTarget = link,
            Mode = header.Mode,
            Uid = TarNumber.ToId(pax?.Uid ?? header.Uid, "uid"),
            Gid = TarNumber.ToId(pax?.Gid ?? header.Gid, "gid"),
            Size = size,
            FileLength = isOldSparse ? header.SparseLength : pax is { IsSparse: true } ? pax.SparseLength ?? 0 : size,
            ModifiedSeconds = seconds,
            ModifiedNanoseconds = nanoseconds,
            DeviceMajor = isDevice ? header.DeviceMajor : 0,
            DeviceMinor = isDevice ? header.DeviceMinor : 0,
            Attributes = pax?.Attributes,
        };
    }

    private static TarKind KindOf(byte flag, byte[] path) => flag switch
    {
        // In the oldest archives a directory is a file whose name ends with a slash.
        0 or (byte)'0' or (byte)'7' => path.AsSpan().EndsWith("/"u8) ? TarKind.Directory : TarKind.Regular,
        (byte)'S' => TarKind.Regular,
        (byte)'1' => TarKind.HardLink,
        (byte)'2' => TarKind.SymbolicLink,
        (byte)'3' => TarKind.CharacterDevice,
        (byte)'4' => TarKind.BlockDevice,
        (byte)'5' => TarKind.Directory,
        (byte)'6' => TarKind.Fifo,
        _ => TarKind.Unknown,
    };

    private void Begin(long size)
    {
        _contentLeft = size;
        _padding = (int)(-size & (TarHeader.BlockSize - 1));
    }

    private void SkipContent(CancellationToken cancel)
    {
        while (_contentLeft > 0)
            ReadContent(cancel);
        // The last block may be cut short: then this is the end, and the digest decides whether it may be.
        if (_padding > 0 && Fill(_padding, cancel))
            _start += _padding;
        else if (_padding > 0)
            _start = _end;
        _padding = 0;
    }

    /// <summary>Reads until that many bytes are buffered; false where the stream ends before.</summary>
    private bool Fill(int count, CancellationToken cancel)
    {
        if (_end - _start >= count)
            return true;
        cancel.ThrowIfCancellationRequested();
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }
        while (_end < count)
        {
            var read = _source.Read(_buffer.AsSpan(_end));
            if (read == 0)
                return false;
            _end += read;
            Count += read;
        }
        return true;
    }

    private static byte[] CutAtNul(byte[] content)
    {
        var end = content.AsSpan().IndexOf((byte)0);
        return end < 0 ? content : content[..end];
    }
}
