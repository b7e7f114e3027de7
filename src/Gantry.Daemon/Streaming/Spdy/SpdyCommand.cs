using Gantry.Spdy;

namespace Gantry.Streaming.Spdy;

/// <summary>A command's streams over SPDY: the client opens one for each, and names it by a header.</summary>
internal sealed class SpdyCommand : RemoteCommand
{
    /// <summary>After the end a client reads what is on its way, and then closes; one that does not is left.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    private readonly SpdyConnection _connection;
    private readonly IReadOnlyDictionary<string, SpdyStream> _streams;
    private readonly CommandVersion _version;
    private readonly Task _refusing;

    private SpdyCommand(SpdyConnection connection, IReadOnlyDictionary<string, SpdyStream> streams, CommandStreams asked, CommandVersion version, Task gone)
    {
        Left = Task.WhenAny(connection.Ended, gone);
        _connection = connection;
        _streams = streams;
        _version = version;
        _refusing = RefuseMoreAsync();
        Input = asked.Input ? streams["stdin"].Input : null;
        Output = asked.Output ? new SpdyOutput(streams["stdout"]) : null;
        ErrorOutput = asked.ErrorOutput ? new SpdyOutput(streams["stderr"]) : null;
        Resizes = streams.GetValueOrDefault("resize")?.Input;
    }

    public override Task Left { get; }

    /// <summary>Waits until the client has opened the streams that were asked for.</summary>
    /// <param name="gone">Completes when the client's machine has closed the connection, read to its end or not.</param>
    /// <returns>Null where it left, or did not open them in time; the connection is closed then.</returns>
    public static async Task<SpdyCommand?> AcceptAsync(SpdyConnection connection, CommandStreams asked, CommandVersion version, Task gone, CancellationToken inTime)
    {
        var missing = new HashSet<string> { "error" };
        missing.UnionWith(Names(asked, version));
        var streams = new Dictionary<string, SpdyStream>();
        try
        {
            while (missing.Count > 0)
            {
                var stream = await connection.Accepted.ReadAsync(inTime);
                var kind = stream.Headers.GetValueOrDefault("streamType", "");
                if (kind is not ("error" or "stdin" or "stdout" or "stderr" or "resize") || !streams.TryAdd(kind, stream))
                {
                    await stream.ResetAsync(SpdyResetReason.ProtocolError);
                    continue;
                }
                await stream.ReplyAsync();
                if (!missing.Remove(kind))
                    await IgnoreAsync(stream);
            }
            return new SpdyCommand(connection, streams, asked, version, gone);
        }
        catch (Exception e) when (e is OperationCanceledException or SpdyException or System.Threading.Channels.ChannelClosedException)
        {
            await connection.DisposeAsync();
            return null;
        }
    }

    public override async Task EndAsync(RemoteStatus status)
    {
        try
        {
            await _streams["error"].WriteAsync(_version.StatusIsJson ? status.ToJson() : status.ToText(), CancellationToken.None);
            foreach (var stream in _streams.Values)
            {
                await stream.Input.CompleteAsync();
                await stream.FinishAsync();
            }
        }
        catch (SpdyException)
        {
            // The client has left.
        }
        await _connection.CloseAsync(_patience);
        await _refusing;
    }

    public override ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static IEnumerable<string> Names(CommandStreams asked, CommandVersion version)
    {
        if (asked.Input)
            yield return "stdin";
        if (asked.Output)
            yield return "stdout";
        if (asked.ErrorOutput)
            yield return "stderr";
        if (asked.Terminal && version.HasResizes)
            yield return "resize";
    }

    /// <summary>A client may open a stream that its request did not ask for: it is there, and empty.</summary>
    private static async Task IgnoreAsync(SpdyStream stream)
    {
        await stream.Input.CompleteAsync();
        await stream.FinishAsync();
    }

    private async Task RefuseMoreAsync()
    {
        try
        {
            await foreach (var stream in _connection.Accepted.ReadAllAsync())
                await stream.ResetAsync(SpdyResetReason.RefusedStream);
        }
        catch (SpdyException)
        {
            // The connection is over.
        }
    }
}
