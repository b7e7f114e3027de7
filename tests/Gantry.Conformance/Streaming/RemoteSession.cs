using System.Text;

namespace Gantry.Conformance.Streaming;

/// <summary>A client's side of an exec or attach, whichever protocol carries it.</summary>
public abstract class RemoteSession(RemoteProtocol protocol) : IAsyncDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    public RemoteProtocol Protocol { get; } = protocol;

    public RemoteText Output { get; } = new();

    public RemoteText ErrorOutput { get; } = new();

    protected RemoteText Status { get; } = new();

    /// <summary>Completes when everything has been received.</summary>
    protected abstract Task Ended { get; }

    public abstract Task WriteAsync(ReadOnlyMemory<byte> input);

    public Task WriteAsync(string input) => WriteAsync(Encoding.UTF8.GetBytes(input));

    /// <summary>Finishes the input alone.</summary>
    public abstract Task EndInputAsync();

    public abstract Task ResizeAsync(int columns, int rows);

    /// <summary>Waits for the end.</summary>
    public async Task<RemoteOutcome> WaitAsync(TimeSpan? limit = null)
    {
        await Ended.WaitAsync(limit ?? _limit);
        return RemoteOutcome.Read(Protocol, Status.ToString());
    }

    /// <summary>Leaves without a word, as a client that was killed.</summary>
    public abstract ValueTask DisposeAsync();

    /// <summary>Begins the session that an address of Exec or Attach is for.</summary>
    public static async Task<RemoteSession> OpenAsync(SpecSettings settings, string url, RemoteProtocol protocol, RemoteStreams streams)
    {
        var address = new Uri(url);
        if (protocol.IsWebSocket)
        {
            var answer = await HttpUpgrade.AskForWebSocketAsync(settings, address, protocol.Name);
            Check.Equal(101, answer.Status);
            Check.Equal(protocol.Name, answer.Headers.GetValueOrDefault("sec-websocket-protocol", ""));
            return new WebSocketRemoteSession(protocol, answer.Stream);
        }
        var spdy = await HttpUpgrade.AskForSpdyAsync(settings, address, protocol.Name);
        Check.Equal(101, spdy.Status);
        Check.Equal(protocol.Name, spdy.Headers.GetValueOrDefault("x-stream-protocol-version", ""));
        return await SpdyRemoteSession.OpenAsync(protocol, spdy.Stream, streams);
    }
}

/// <summary>The streams that a session asks for.</summary>
public sealed record RemoteStreams(bool Input = false, bool Output = true, bool ErrorOutput = true, bool Terminal = false);

/// <summary>What has come so far, and a way to wait for more.</summary>
public sealed class RemoteText
{
    private readonly Lock _lock = new();
    private readonly MemoryStream _bytes = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long Length
    {
        get
        {
            lock (_lock)
                return _bytes.Length;
        }
    }

    /// <summary>Whether the other side has finished this stream.</summary>
    public bool IsEnded { get; private set; }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
            _bytes.Write(bytes);
        Tell();
    }

    public void End()
    {
        IsEnded = true;
        Tell();
    }

    public byte[] ToArray()
    {
        lock (_lock)
            return _bytes.ToArray();
    }

    public override string ToString() => Encoding.UTF8.GetString(ToArray());

    /// <summary>Waits until the text has come.</summary>
    public Task ContainsAsync(string text) => UntilAsync(() => ToString().Contains(text, StringComparison.Ordinal), $"'{text}' has come");

    /// <summary>Waits until it is so.</summary>
    public async Task UntilAsync(Func<bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            Task changed;
            lock (_lock)
                changed = _changed.Task;
            if (condition())
                return;
            try
            {
                await changed.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                throw new SpecFailedException($"not so within 60 s: {what}; there is '{ToString()[..(int)Math.Min(Length, 500)]}'");
            }
        }
    }

    private void Tell()
    {
        TaskCompletionSource told;
        lock (_lock)
        {
            told = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        told.TrySetResult();
    }
}
