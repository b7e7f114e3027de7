using System.Runtime.InteropServices;
using Gantry.Linux.Processes;

namespace Gantry.Linux.Descriptors;

/// <summary>
/// Tells asynchronous code when descriptors are ready: one thread with one epoll(7) for the whole process, so that a
/// thousand waits for pipes, terminals and processes need no thread each. Readiness may be told wrongly: callers try again.
/// </summary>
public sealed class Reactor
{
    private const int MostEvents = 64;
    private const int TickMilliseconds = 2000;
    private static readonly Lazy<Reactor> _shared = new(() => new Reactor());
    private readonly Lock _lock = new();
    private readonly Dictionary<int, Waiters> _waiters = [];
    private readonly FileDescriptor _epoll;

    private Reactor()
    {
        var fd = LibC.EpollCreate(LibC.EpollCloseOnExec);
        _epoll = fd >= 0 ? new FileDescriptor(fd) : throw new SyscallException("epoll_create1", LastErrno.Get(), "reactor");
        new Thread(Run, 256 << 10) { IsBackground = true, Name = "reactor" }.Start();
    }

    /// <summary>The process's one; it starts with its first use.</summary>
    public static Reactor Shared => _shared.Value;

    /// <summary>Completes when the descriptor has something to read, or its other side is gone.</summary>
    /// <param name="file">Open until the wait is over: whoever closes it cancels first. One reader at a time.</param>
    /// <exception cref="OperationCanceledException">The token ended the wait.</exception>
    public Task WaitReadableAsync(FileDescriptor file, CancellationToken cancel) => WaitAsync(file, write: false, cancel);

    /// <summary>Completes when the descriptor takes bytes, or its other side is gone. One writer at a time.</summary>
    /// <inheritdoc cref="WaitReadableAsync"/>
    public Task WaitWritableAsync(FileDescriptor file, CancellationToken cancel) => WaitAsync(file, write: true, cancel);

    private async Task WaitAsync(FileDescriptor file, bool write, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var fd = file.Number;
        lock (_lock)
        {
            if (!_waiters.TryGetValue(fd, out var waiters))
                _waiters.Add(fd, waiters = new Waiters());
            waiters.Set(write, ready);
            Arm(fd, waiters);
        }
        await using (cancel.Register(() => Forget(fd, write, ready, cancel)))
            await ready.Task;
    }

    private void Forget(int fd, bool write, TaskCompletionSource ready, CancellationToken cancel)
    {
        lock (_lock)
        {
            if (_waiters.TryGetValue(fd, out var waiters) && waiters.Clear(write, ready))
            {
                if (waiters.IsEmpty)
                    Remove(fd);
                else
                    Arm(fd, waiters);
            }
        }
        ready.TrySetCanceled(cancel);
    }

    private unsafe void Remove(int fd)
    {
        _waiters.Remove(fd);
        LibC.EpollEvent none = default;
        // It may be closed already, and its number another file's: nothing is lost then.
        _ = LibC.EpollControl(_epoll.Number, LibC.EpollDelete, fd, &none);
    }

    private unsafe void Arm(int fd, Waiters waiters)
    {
        var request = new LibC.EpollEvent();
        var events = LibC.EpollOneShot | (waiters.Reader is null ? 0 : LibC.EpollIn) | (waiters.Writer is null ? 0 : LibC.EpollOut);
        // SAFE: both fields lie within the struct's 16 bytes on every architecture.
        *(uint*)request.Bytes = events;
        *(int*)(request.Bytes + DataOffset) = fd;
        if (LibC.EpollControl(_epoll.Number, LibC.EpollModify, fd, &request) == 0 || LibC.EpollControl(_epoll.Number, LibC.EpollAdd, fd, &request) == 0)
            return;
        var errno = LastErrno.Get();
        _waiters.Remove(fd);
        // EPERM: a regular file, which is always ready.
        if (errno is Errno.EPERM)
            waiters.Complete(read: true, write: true);
        else
            waiters.Fail(new SyscallException("epoll_ctl", errno, "descriptor"));
    }

    private static int DataOffset => RuntimeInformation.ProcessArchitecture is Architecture.X64 ? 4 : 8;

    private static int EventSize => RuntimeInformation.ProcessArchitecture is Architecture.X64 ? 12 : 16;

    private unsafe void Run()
    {
        var buffer = stackalloc byte[MostEvents * 16];
        while (true)
        {
            // SAFE: the kernel writes at most MostEvents entries of EventSize bytes, which is at most 16.
            var count = LibC.EpollWait(_epoll.Number, (LibC.EpollEvent*)buffer, MostEvents, TickMilliseconds);
            for (var n = 0; n < count; n++)
                Tell(*(uint*)(buffer + n * EventSize), *(int*)(buffer + n * EventSize + DataOffset));
            ChildReaper.Tick();
        }
    }

    private void Tell(uint events, int fd)
    {
        lock (_lock)
        {
            if (!_waiters.TryGetValue(fd, out var waiters))
                return;
            var gone = (events & (LibC.EpollError | LibC.EpollHangUp)) != 0;
            waiters.Complete(read: gone || (events & LibC.EpollIn) != 0, write: gone || (events & LibC.EpollOut) != 0);
            if (waiters.IsEmpty)
                _waiters.Remove(fd);
            else
                Arm(fd, waiters);
        }
    }

    private sealed class Waiters
    {
        public TaskCompletionSource? Reader { get; private set; }

        public TaskCompletionSource? Writer { get; private set; }

        public bool IsEmpty => Reader is null && Writer is null;

        public void Set(bool write, TaskCompletionSource waiter)
        {
            if (write ? Writer is not null : Reader is not null)
                throw new InvalidOperationException("a descriptor has one reader and one writer at a time");
            if (write)
                Writer = waiter;
            else
                Reader = waiter;
        }

        public bool Clear(bool write, TaskCompletionSource waiter)
        {
            if ((write ? Writer : Reader) != waiter)
                return false;
            if (write)
                Writer = null;
            else
                Reader = null;
            return true;
        }

        public void Complete(bool read, bool write)
        {
            if (read)
            {
                Reader?.TrySetResult();
                Reader = null;
            }
            if (write)
            {
                Writer?.TrySetResult();
                Writer = null;
            }
        }

        public void Fail(Exception failure)
        {
            Reader?.TrySetException(failure);
            Writer?.TrySetException(failure);
        }
    }
}
