using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Gantry.Spdy;

namespace Gantry.Streaming.Spdy;

/// <summary>
/// Forwarded connections over one SPDY connection: two streams each, for data and for what went wrong, that the client
/// pairs by a request's number. One connection's failure is told on its error stream, and ends nothing else.
/// </summary>
internal sealed class SpdyPortForward(SpdyConnection connection, PortForwardOffer offer, PortForwardStream forward, TimeSpan creation)
{
    /// <summary>Streams that wait for their partners.</summary>
    private const int MostPairs = 1024;

    private readonly ConcurrentDictionary<string, Pair> _pairs = [];
    private readonly ConcurrentDictionary<int, Task> _running = [];
    private int _count;

    /// <summary>Serves until the client leaves.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        try
        {
            await foreach (var stream in connection.Accepted.ReadAllAsync(cancel))
                await AddAsync(stream, over.Token);
        }
        catch (SpdyException)
        {
            // The client has left.
        }
        finally
        {
            await over.CancelAsync();
            await Task.WhenAll(_running.Values);
        }
    }

    private async Task AddAsync(SpdyStream stream, CancellationToken cancel)
    {
        var kind = stream.Headers.GetValueOrDefault("streamType", "");
        if (kind is not ("data" or "error") || !TryParsePort(stream.Headers.GetValueOrDefault("port", ""), out var port))
        {
            await stream.ResetAsync(SpdyResetReason.ProtocolError);
            return;
        }
        var request = RequestOf(stream, kind);
        if (_pairs.Count >= MostPairs && !_pairs.ContainsKey(request))
        {
            await stream.ResetAsync(SpdyResetReason.RefusedStream);
            return;
        }
        await stream.ReplyAsync();
        var pair = _pairs.GetOrAdd(request, _ => new Pair());
        if (!pair.TryAdd(stream, kind))
        {
            await stream.ResetAsync(SpdyResetReason.ProtocolError);
            return;
        }
        if (pair.IsFirst)
            Run(ExpireAsync(request, pair, cancel));
        if (pair is not { Data: { } data, Error: { } error })
            return;
        _pairs.TryRemove(request, out _);
        pair.Complete.TrySetResult();
        Run(ForwardAsync(port, data, error, cancel));
    }

    /// <summary>Clients of old name no request: their data stream is the one after the error stream.</summary>
    private static string RequestOf(SpdyStream stream, string kind) => stream.Headers.TryGetValue("requestID", out var given) && given.Length > 0
        ? given
        : string.Create(CultureInfo.InvariantCulture, $"stream {(kind == "error" ? stream.Id : stream.Id - 2)}");

    private static bool TryParsePort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= ushort.MaxValue;

    private void Run(Task work)
    {
        var number = Interlocked.Increment(ref _count);
        _running[number] = work;
        _ = ForgetAsync();

        async Task ForgetAsync()
        {
            await work;
            _running.TryRemove(number, out _);
        }
    }

    private async Task ForwardAsync(int port, SpdyStream data, SpdyStream error, CancellationToken cancel)
    {
        try
        {
            await forward.ForwardAsync(offer, port, data, error, cancel);
        }
        catch (Exception e) when (e is SpdyException or OperationCanceledException)
        {
            // The client has left, or has given this connection up.
        }
    }

    /// <summary>A stream whose partner does not come is told so, and dropped.</summary>
    private async Task ExpireAsync(string request, Pair pair, CancellationToken cancel)
    {
        try
        {
            await pair.Complete.Task.WaitAsync(creation, cancel);
        }
        catch (OperationCanceledException)
        {
            // The client has left.
        }
        catch (TimeoutException)
        {
            _pairs.TryRemove(request, out _);
            await ExpireAsync(pair);
        }
    }

    private async Task ExpireAsync(Pair pair)
    {
        try
        {
            if (pair.Error is { } error)
            {
                await error.WriteAsync(Encoding.UTF8.GetBytes($"the data stream was not opened within {creation.TotalSeconds:0} s"), CancellationToken.None);
                await error.Input.CompleteAsync();
                await error.FinishAsync();
            }
            if (pair.Data is { } data)
                await data.ResetAsync(SpdyResetReason.Cancel);
        }
        catch (SpdyException)
        {
            // The client has left.
        }
    }

    private sealed class Pair
    {
        public SpdyStream? Data { get; private set; }

        public SpdyStream? Error { get; private set; }

        public TaskCompletionSource Complete { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsFirst => Data is null || Error is null;

        public bool TryAdd(SpdyStream stream, string kind)
        {
            if ((kind == "data" ? Data : Error) is not null)
                return false;
            if (kind == "data")
                Data = stream;
            else
                Error = stream;
            return true;
        }
    }
}
