namespace Gantry.Linux.Descriptors;

/// <summary>poll(2) over a few descriptors: the whole of an event loop of one thread.</summary>
public sealed class Poller
{
    private readonly LibC.PollEntry[] _entries = new LibC.PollEntry[64];
    private int _count;

    /// <summary>Forgets every descriptor.</summary>
    public void Clear() => _count = 0;

    /// <summary>Adds a descriptor to the next wait; null is left out.</summary>
    /// <returns>Its place for <see cref="IsReady"/>, -1 where it was left out.</returns>
    public int Add(FileDescriptor? file, bool write = false)
    {
        if (file is null || _count == _entries.Length)
            return -1;
        _entries[_count] = new LibC.PollEntry { Fd = file.Number, Events = (short)(write ? LibC.PollOut : LibC.PollIn) };
        return _count++;
    }

    /// <summary>Adds a descriptor of which only the other side's leaving is of interest.</summary>
    /// <inheritdoc cref="Add"/>
    public int AddForHangUp(FileDescriptor? file)
    {
        var place = Add(file);
        if (place >= 0)
            _entries[place].Events = 0;
        return place;
    }

    /// <summary>Whether the descriptor takes bytes now, or its other side is gone.</summary>
    public static unsafe bool IsWritable(FileDescriptor file)
    {
        var entry = new LibC.PollEntry { Fd = file.Number, Events = LibC.PollOut };
        // SAFE: one entry, in this frame.
        return LibC.Poll(&entry, 1, 0) > 0;
    }

    /// <summary>Waits until one is ready.</summary>
    /// <param name="milliseconds">-1 for ever.</param>
    /// <returns>How many are ready; 0 when the time ran out.</returns>
    public unsafe int Wait(int milliseconds)
    {
        // SAFE: the kernel reads and writes the first _count entries while the array is pinned.
        fixed (LibC.PollEntry* entries = _entries)
        {
            var ready = LibC.Poll(entries, (nuint)_count, milliseconds);
            if (ready >= 0)
                return ready;
        }
        for (var n = 0; n < _count; n++)
            _entries[n].Returned = 0;
        var errno = LastErrno.Get();
        return errno is Errno.EINTR or Errno.ENOMEM ? 0 : throw new SyscallException("poll", errno, "descriptors");
    }

    /// <summary>Whether the descriptor at that place has something, or its other side is gone.</summary>
    public bool IsReady(int place) => place >= 0 && _entries[place].Returned != 0;
}
