using System.Diagnostics;
using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Processes;

/// <summary>
/// Reaps every child of this process: those that somebody waits for, monitors, and orphans of programs that came to this
/// process as their subreaper (prctl(2), PR_SET_CHILD_SUBREAPER). A status that was reaped before anybody asked is kept.
/// </summary>
/// <remarks>
/// None may stay a zombie: a process of a container's PID namespace that is a child of this process holds up the end of
/// that namespace's first process (pid_namespaces(7)).
/// </remarks>
public static class ChildReaper
{
    private const int MostKept = 1024;
    private const int TickMilliseconds = 1000;
    private static readonly Lock _lock = new();
    private static readonly Dictionary<int, long> _claimed = [];
    private static readonly Dictionary<int, (int Code, long At)> _kept = [];
    private static readonly Queue<int> _order = new();
    private static bool _isOn;
    private static long _next;

    /// <summary>Makes this process the parent of its descendants' orphans, and starts reaping. Once, at the start.</summary>
    public static void Begin()
    {
        ProcessWait.BecomeSubreaper();
        lock (_lock)
            _isOn = true;
        _ = Reactor.Shared;
    }

    /// <summary>The child is waited for by the caller, who calls <see cref="ReapAsync"/> or <see cref="Release"/>.</summary>
    /// <param name="pid">The child.</param>
    /// <param name="since">A Stopwatch time stamp of before it was started: a status of before that was another process's.</param>
    public static void Claim(int pid, long since)
    {
        lock (_lock)
            _claimed[pid] = since;
    }

    /// <summary>Waits for a claimed child's end without a thread.</summary>
    /// <param name="process">The child, or null where it had ended before it could be opened.</param>
    /// <returns>0 to 255, or 128 + n for signal n.</returns>
    /// <exception cref="OperationCanceledException">The token ended the wait; the child is still claimed.</exception>
    public static async Task<int> ReapAsync(int pid, PidFd? process, CancellationToken cancel)
    {
        while (true)
        {
            if (ProcessWait.TryReap(pid, out var code))
            {
                Release(pid);
                return code;
            }
            if (TakeKept(pid) is { } kept)
                return kept;
            if (process is null)
                return ProcessWait.Unknown;
            await Reactor.Shared.WaitReadableAsync(process, cancel);
        }
    }

    /// <summary>The child is nobody's any more: it is reaped when it ends.</summary>
    public static void Release(int pid)
    {
        lock (_lock)
            _claimed.Remove(pid);
    }

    /// <summary>Called by the reactor's thread, at least once in two seconds.</summary>
    internal static void Tick()
    {
        lock (_lock)
        {
            var now = Environment.TickCount64;
            if (!_isOn || now < _next)
                return;
            _next = now + TickMilliseconds;
            while (ProcessWait.TryReapAny(out var code) is var pid and not 0)
                Keep(pid, code);
        }
    }

    private static int? TakeKept(int pid)
    {
        lock (_lock)
        {
            if (!_kept.TryGetValue(pid, out var kept) || kept.At < _claimed.GetValueOrDefault(pid))
                return null;
            _kept.Remove(pid);
            _claimed.Remove(pid);
            return kept.Code;
        }
    }

    private static void Keep(int pid, int code)
    {
        _kept[pid] = (code, Stopwatch.GetTimestamp());
        _order.Enqueue(pid);
        if (_order.Count > MostKept && _order.Dequeue() is var oldest && !_claimed.ContainsKey(oldest))
            _kept.Remove(oldest);
    }
}
