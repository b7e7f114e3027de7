namespace Gantry.Spdy;

/// <summary>
/// A connection's flow-control windows (section 2.6.8): of the session and of each stream, in both directions.
/// </summary>
/// <remarks>
/// The clients of Kubernetes keep no windows: they neither heed nor send WINDOW_UPDATE. A side that waited for theirs would
/// wait for ever, so windows bind this side once the other has shown that it keeps them: by a window's size in SETTINGS, or
/// by a WINDOW_UPDATE. What it sends is answered by updates once it has shown that, or where it stops exactly at a window's
/// end; one that goes on beyond a window's end does not keep windows, and gets none. Once one update was sent, all that comes
/// is answered, however much it is: the first may be what made the other side begin to keep its windows.
/// A client of ours keeps no windows at all, as those of Kubernetes: one connection is read in order, so that an update waits
/// behind data whose reader may be waiting for that very update (a command that echoes), and no server of Kubernetes needs them.
/// </remarks>
/// <param name="isKept">False for a side that takes part in none of this.</param>
internal sealed class FlowControl(bool isKept)
{
    /// <summary>Of every window at the start.</summary>
    public const int InitialWindow = 64 << 10;

    private readonly Lock _lock = new();
    private readonly List<Window> _full = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _streamInitial = InitialWindow;
    private bool _bindsStreams;
    private bool _bindsSession;
    private bool _isIgnored;
    private bool _isAnswered;

    /// <summary>The whole connection's window; its stream's number is 0.</summary>
    public Window Session { get; } = new(0);

    /// <summary>Takes as much as may be sent, at most <paramref name="wanted"/>, waiting until that is more than nothing.</summary>
    public async ValueTask<int> TakeAsync(Window stream, int wanted, CancellationToken cancel)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                var allowed = (int)Math.Min(wanted, Math.Min(Left(stream, _bindsStreams, _streamInitial), Left(Session, _bindsSession, InitialWindow)));
                if (allowed > 0)
                {
                    stream.Sent += allowed;
                    Session.Sent += allowed;
                    return allowed;
                }
                changed = _changed.Task;
            }
            await changed.WaitAsync(cancel);
        }
    }

    /// <summary>The other side takes more of what this side sends.</summary>
    /// <param name="window">Null for a stream that is gone.</param>
    public void Grant(Window? window, uint more)
    {
        if (!isKept)
            return;
        lock (_lock)
        {
            _bindsStreams = true;
            if (window is null)
                return;
            _bindsSession |= window == Session;
            window.Granted += more;
            Tell();
        }
    }

    /// <summary>The other side's SETTINGS give every stream's window that size.</summary>
    public void SetInitialWindow(uint size)
    {
        if (!isKept)
            return;
        lock (_lock)
        {
            _bindsStreams = true;
            _streamInitial = size;
            Tell();
        }
    }

    /// <summary>Bytes of the other side have come, and have been taken.</summary>
    /// <returns>The size of the update to send for that window now; 0 for none.</returns>
    public int Received(Window window, int count)
    {
        lock (_lock)
        {
            if (_isIgnored || !isKept || count == 0)
                return 0;
            window.Unacknowledged += count;
            if (_bindsStreams || _isAnswered)
                return window.Unacknowledged >= InitialWindow / 2 ? window.Acknowledge() : 0;
            if (window.Unacknowledged > InitialWindow)
                _isIgnored = true;
            else if (window.Unacknowledged == InitialWindow)
                _full.Add(window);
            return 0;
        }
    }

    /// <summary>No more bytes are there: windows that are exactly used up may be what the other side waits for.</summary>
    /// <returns>Streams and the updates to send for them.</returns>
    public IReadOnlyList<(int Stream, int More)> TakeFull()
    {
        lock (_lock)
        {
            if (_full.Count == 0)
                return [];
            var updates = _isIgnored ? [] : _full.Where(window => window.Unacknowledged > 0).Select(window => (window.Stream, window.Acknowledge())).ToList();
            _full.Clear();
            _isAnswered |= updates.Count > 0;
            return updates;
        }
    }

    private static long Left(Window window, bool binds, long initial) => binds ? initial + window.Granted - window.Sent : long.MaxValue;

    private void Tell()
    {
        _changed.TrySetResult();
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>One window's counts; changed under the lock of its <see cref="FlowControl"/>.</summary>
    /// <param name="stream">The stream's number.</param>
    public sealed class Window(int stream)
    {
        public int Stream { get; } = stream;

        public long Sent { get; set; }

        public long Granted { get; set; }

        public int Unacknowledged { get; set; }

        public int Acknowledge()
        {
            var more = Unacknowledged;
            Unacknowledged = 0;
            return more;
        }
    }
}
