using System.Buffers;
using System.Buffers.Binary;
using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Files;

/// <summary>What a tree takes of its file system.</summary>
/// <param name="Bytes">Space on the disk, not the lengths of files: a sparse file counts what it fills.</param>
/// <param name="Inodes">Files of every kind, the tree's top directory too.</param>
public readonly record struct TreeUsage(long Bytes, long Inodes);

/// <summary>
/// Measures a tree that somebody else changes at the same time, and may have made to be hard to measure: it follows no
/// link, leaves no file system, and needs no deeper stack and no more descriptors for a tree of any depth.
/// </summary>
public sealed class TreeMeasure
{
    private const int HeldLevels = 48;
    private const int BufferSize = 16 * 1024;
    private const uint BasicStats = 0x7ff;

    /// <summary>Hard links are counted by their share of the file, in these parts: exact where all of them are in the tree.</summary>
    private const int Share = 1 << 16;

    private readonly Stack<Level> _levels = new();
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
    private readonly long _mostEntries;
    private readonly Action<long>? _pause;
    private long _bytes;
    private long _inodeShares;
    private long _entries;
    private uint _major;
    private uint _minor;

    private TreeMeasure(long mostEntries, Action<long>? pause)
    {
        _mostEntries = mostEntries;
        _pause = pause;
    }

    /// <summary>Measures the tree at <paramref name="path"/>.</summary>
    /// <param name="path">A directory of our own.</param>
    /// <param name="mostEntries">Gives up beyond this many.</param>
    /// <param name="pause">Called every now and then with the number of entries so far, to wait or to throw.</param>
    /// <returns>Null where there is no such directory, or it has more entries.</returns>
    /// <exception cref="SyscallException">A directory could not be read.</exception>
    public static TreeUsage? TryMeasure(string path, long mostEntries = long.MaxValue, Action<long>? pause = null)
    {
        FileDescriptor top;
        try
        {
            top = RegularFile.OpenDirectory(path);
        }
        catch (SyscallException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR)
        {
            return null;
        }
        var measure = new TreeMeasure(mostEntries, pause);
        try
        {
            return measure.Run(top, path) ? new TreeUsage(measure._bytes, measure._inodeShares / Share) : null;
        }
        finally
        {
            measure.Release();
        }
    }

    private bool Run(FileDescriptor top, string path)
    {
        var status = FileStatus.Get(top, path);
        (_major, _minor) = (status.DeviceMajor, status.DeviceMinor);
        Add(status.Blocks, 1);
        _levels.Push(new Level(top, status.Inode));
        while (_levels.TryPeek(out var level))
        {
            if (level.Pending.TryDequeue(out var name))
                Descend(level, name);
            else if (!ReadMore(level, path))
                Ascend(path);
            if (_entries > _mostEntries)
                return false;
        }
        return true;
    }

    /// <summary>Counts the next entries of a directory and notes those to descend into; false at its end.</summary>
    private bool ReadMore(Level level, string path)
    {
        int read;
        do
            read = (int)LibC.GetDirectoryEntries(level.Directory!.Number, _buffer, BufferSize);
        while (read < 0 && LastErrno.Get() == Errno.EINTR);
        // A directory that was removed while it was open has no entries, or says so.
        if (read < 0 && LastErrno.Get() is var errno and not Errno.ENOENT)
            throw new SyscallException("getdents64", errno, path);
        // struct linux_dirent64: next offset at 8, length at 16, name at 19.
        for (var at = 0; at < read; at += BinaryPrimitives.ReadUInt16LittleEndian(_buffer.AsSpan(at + 16)))
        {
            level.Offset = BinaryPrimitives.ReadInt64LittleEndian(_buffer.AsSpan(at + 8));
            var name = _buffer.AsSpan(at + 19);
            name = name[..(name.IndexOf((byte)0) + 1)];
            if (!name.SequenceEqual(".\0"u8) && !name.SequenceEqual("..\0"u8))
                Count(level, name);
        }
        _pause?.Invoke(_entries);
        return read > 0;
    }

    /// <param name="name">With its NUL.</param>
    private void Count(Level level, ReadOnlySpan<byte> name)
    {
        _entries++;
        var isThere = LibC.Statx(level.Directory!.Number, name, LibC.AtSymlinkNoFollow, BasicStats, out var status) == 0;
        if (!isThere || status.DeviceMajor != _major || status.DeviceMinor != _minor)
            return;
        var isDirectory = (FileKind)(status.Mode >> 12) == FileKind.Directory;
        // A directory's links are its name, its "." and its children's "..": it has one name all the same.
        Add((long)status.Blocks, isDirectory ? 1 : Math.Max(status.Links, 1));
        if (isDirectory)
            level.Pending.Enqueue(name[..^1].ToArray());
    }

    private void Add(long blocks, uint names)
    {
        _bytes += blocks * 512 / names;
        _inodeShares += Share / names;
    }

    private void Descend(Level level, byte[] name)
    {
        if (DirectoryEntry.TryOpenDirectory(level.Directory!, name) is not { } child)
            return;
        var status = FileStatus.Get(child, "directory");
        if (_levels.Count >= HeldLevels)
            level.LetGo();
        _levels.Push(new Level(child, status.Inode));
    }

    /// <summary>Goes back to the directory above, by ".." where its descriptor was let go.</summary>
    private void Ascend(string path)
    {
        var child = _levels.Pop();
        if (_levels.TryPeek(out var parent) && parent.Directory is null)
        {
            var above = DirectoryEntry.TryOpenDirectory(child.Directory!, ".."u8);
            if (above is not null && FileStatus.Get(above, path).Inode == parent.Inode)
            {
                LibC.Seek(above.Number, parent.Offset, 0);
                parent.Directory = above;
            }
            else
            {
                // Moved while we were below it: what is left of this branch is found by the next measure.
                above?.Dispose();
                while (_levels.TryPeek(out var lost) && lost.Directory is null)
                    _levels.Pop();
            }
        }
        child.Directory!.Dispose();
    }

    private void Release()
    {
        foreach (var level in _levels)
            level.LetGo();
        ArrayPool<byte>.Shared.Return(_buffer);
    }

    private sealed class Level(FileDescriptor directory, ulong inode)
    {
        public FileDescriptor? Directory { get; set; } = directory;

        public ulong Inode { get; } = inode;

        /// <summary>Where in the directory to go on reading.</summary>
        public long Offset { get; set; }

        public Queue<byte[]> Pending { get; } = new(0);

        public void LetGo()
        {
            Directory?.Dispose();
            Directory = null;
        }
    }
}
