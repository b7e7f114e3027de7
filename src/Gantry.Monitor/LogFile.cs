using System.Buffers.Text;
using Gantry.Linux;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;

namespace Gantry.Monitor;

/// <summary>
/// The container's log as the CRI has it: <c>2026-11-23T10:00:00.000000000Z stdout F line</c>. A line over 16 KiB is split
/// into parts tagged P, the last one F; what a stream ends with without a newline is F too, since no more of it will come.
/// A write that fails is dropped and the container goes on: nobody may block on a full disk.
/// </summary>
internal sealed class LogFile(string path)
{
    private const uint Mode = 0b110_100_000;
    private readonly byte[] _out = new byte[LogLines.LongestLine + 64 + 1024];
    private int _used;
    private FileDescriptor? _file;

    /// <summary>Writes that the file system refused.</summary>
    public long Dropped { get; private set; }

    /// <summary>Opens the path, anew where it was open before; the old file stays in use if that fails.</summary>
    /// <exception cref="SyscallException">The directory is missing, or the disk is full.</exception>
    public void Open()
    {
        if (path.Length == 0)
            return;
        Flush();
        var opened = RegularFile.OpenForAppend(path, Mode);
        _file?.Dispose();
        _file = opened;
    }

    /// <summary>Adds one line or part of one.</summary>
    public void Add(ReadOnlySpan<byte> stamp, ReadOnlySpan<byte> stream, bool isWhole, ReadOnlySpan<byte> content)
    {
        if (_file is null)
            return;
        if (_used + stamp.Length + stream.Length + content.Length + 5 > _out.Length)
            Flush();
        Append(stamp);
        Append(" "u8);
        Append(stream);
        Append(isWhole ? " F "u8 : " P "u8);
        Append(content);
        Append("\n"u8);
    }

    /// <summary>Hands everything to the kernel.</summary>
    public void Flush()
    {
        if (_used > 0 && _file is not null)
            Write(_file, _out.AsSpan(0, _used));
        _used = 0;
    }

    /// <summary>Whole lines alone stay: what a full disk has cut off would run into the next line.</summary>
    private void Write(FileDescriptor file, ReadOnlySpan<byte> lines)
    {
        var rest = lines;
        while (rest.Length > 0 && DescriptorIo.Write(file, rest, out var count) == IoOutcome.Done && count > 0)
            rest = rest[count..];
        if (rest.Length == 0)
            return;
        Dropped++;
        var written = lines[..^rest.Length];
        TryCut(file, written.Length - written.LastIndexOf((byte)'\n') - 1);
    }

    private void TryCut(FileDescriptor file, int bytes)
    {
        try
        {
            if (bytes > 0)
                RegularFile.SetLength(file, FileStatus.Get(file, path).Size - bytes, path);
        }
        catch (SyscallException)
        {
            // Then a reader finds half a line: better than no log at all.
        }
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_out.AsSpan(_used));
        _used += bytes.Length;
    }
}

/// <summary>Cuts one output stream of the container into the log's lines, and passes it on to attached clients as it is.</summary>
internal sealed class LogLines(LogFile log, byte[] stream, AttachClients? attached = null, AttachKind kind = AttachKind.Output)
{
    public const int LongestLine = 16 << 10;

    /// <summary>Reads in a row: a container that never stops writing must not keep the monitor from everything else.</summary>
    private const int MostReads = 64;
    private readonly byte[] _pending = new byte[LongestLine];
    private readonly byte[] _stamp = new byte[30];
    private int _length;

    /// <summary>Reads what is there, or a good part of it; false when the stream has ended.</summary>
    /// <param name="source">The pipe, or the terminal.</param>
    /// <param name="mayWait">Whether to stop where a terminal's client is behind.</param>
    public bool Read(FileDescriptor source, bool mayWait = false)
    {
        for (var n = 0; n < MostReads && !(mayWait && attached is { IsBehind: true }); n++)
        {
            var outcome = DescriptorIo.Read(source, _pending.AsSpan(_length), out var count);
            if (outcome == IoOutcome.WouldBlock)
            {
                log.Flush();
                return true;
            }
            if (outcome != IoOutcome.Done)
            {
                End();
                return false;
            }
            attached?.Send(kind, _pending.AsSpan(_length, count));
            Stamp();
            Cut(count);
        }
        log.Flush();
        return true;
    }

    private void Cut(int added)
    {
        var start = 0;
        var scanFrom = _length;
        _length += added;
        while (true)
        {
            var newline = _pending.AsSpan(scanFrom, _length - scanFrom).IndexOf((byte)'\n');
            if (newline < 0)
                break;
            log.Add(_stamp, stream, isWhole: true, _pending.AsSpan(start, scanFrom + newline - start));
            start = scanFrom + newline + 1;
            scanFrom = start;
        }
        if (start > 0)
        {
            _pending.AsSpan(start, _length - start).CopyTo(_pending);
            _length -= start;
        }
        if (_length < _pending.Length)
            return;
        log.Add(_stamp, stream, isWhole: false, _pending);
        _length = 0;
    }

    private void End()
    {
        if (_length > 0)
        {
            Stamp();
            log.Add(_stamp, stream, isWhole: true, _pending.AsSpan(0, _length));
            _length = 0;
        }
        log.Flush();
    }

    /// <summary>RFC 3339 with nine digits, in UTC, written without a string.</summary>
    private void Stamp()
    {
        var now = DateTimeOffset.UtcNow;
        Utf8Formatter.TryFormat(now.UtcDateTime, _stamp, out _, new System.Buffers.StandardFormat('O'));
        // 'O' has seven digits and a Z: 2026-11-23T10:00:00.1234567Z.
        _stamp[27] = (byte)'0';
        _stamp[28] = (byte)'0';
        _stamp[29] = (byte)'Z';
    }
}
