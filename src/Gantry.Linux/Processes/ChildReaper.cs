using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Processes;

/// <summary>
/// Reaps long-lived children whose status nobody needs, each when it ends, on one thread for all of them.
/// </summary>
public static class ChildReaper
{
    private static readonly Lock _lock = new();
    private static readonly List<int> _children = [];
    private static Thread? _thread;

    /// <summary>Takes over the reaping of a child of this process.</summary>
    public static void Add(int pid)
    {
        lock (_lock)
        {
            _children.Add(pid);
            if (_thread is not null)
                return;
            _thread = new Thread(Run, 128 << 10) { IsBackground = true, Name = "child reaper" };
            _thread.Start();
        }
    }

    /// <summary>A zombie holds nothing but its number: once in two seconds is soon enough, and costs no descriptor a child.</summary>
    private static void Run()
    {
        var poller = new Poller();
        while (true)
        {
            poller.Wait(2000);
            lock (_lock)
                _children.RemoveAll(HasEnded);
        }
    }

    private static bool HasEnded(int pid)
    {
        try
        {
            return ProcessWait.TryReap(pid, out _);
        }
        catch (SyscallException)
        {
            return true;
        }
    }
}
