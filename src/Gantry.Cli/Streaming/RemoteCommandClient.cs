using Gantry.Spdy;

namespace Gantry.Cli.Streaming;

/// <summary>
/// Runs a remote command over the best protocol that the runtime speaks: a WebSocket with v5 where it can, for a command
/// without piped input v4, and SPDY everywhere else. An address is good for one try, so each gets one of its own.
/// </summary>
/// <param name="address">Asks the runtime for an address.</param>
/// <param name="tls">For addresses of https.</param>
internal sealed class RemoteCommandClient(Func<Task<string>> address, StreamTls tls)
{
    /// <param name="local">This side's streams.</param>
    /// <param name="hasErrorOutput">Whether the command has an error output of its own; with a terminal it has none.</param>
    /// <param name="needsInputEnd">Whether the command must see the end of its input: v4 has no word for it.</param>
    /// <param name="cancel">Leaves the command to itself.</param>
    /// <exception cref="StreamUnreachableException">Nothing answers at the address.</exception>
    public async Task<RemoteResult> RunAsync(LocalStreams local, bool hasErrorOutput, bool needsInputEnd, CancellationToken cancel)
    {
        IReadOnlyList<string> protocols = needsInputEnd ? [WebSocketSession.V5] : [WebSocketSession.V5, WebSocketSession.V4];
        if (await WebSocketSession.TryConnectAsync(new Uri(await address()), protocols, tls, cancel) is { } session)
        {
            using (session)
                return await session.RunAsync(local, cancel);
        }
        var connection = await SpdyUpgrade.ConnectAsync(new Uri(await address()), SpdySession.Protocol, new SpdyLimits(), tls, cancel);
        await using var spdy = new SpdySession(connection);
        try
        {
            return await spdy.RunAsync(local, hasErrorOutput, cancel);
        }
        catch (SpdyException)
        {
            return RemoteResult.Lost;
        }
    }
}
