using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;

namespace Gantry.Streaming.WebSockets;

/// <summary>
/// One connection to each of the ports that were asked for, over one WebSocket: two channels a port, for data and for what
/// went wrong, and the first message of each is the port's number, its low byte first.
/// </summary>
internal sealed class WebSocketPortForward(ChannelConnection connection, PortForwardOffer offer, PortForwardStream forward)
{
    public static ChannelConnection Open(WebSocket socket, ChannelProtocol protocol, PortForwardOffer offer, Action touch) =>
        new(socket, protocol, touch, Enumerable.Range(0, offer.Ports.Count * 2).Select(channel => channel % 2 == 0));

    /// <summary>Serves until every connection has ended, or the client leaves.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var running = connection.RunAsync();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var all = Task.WhenAll(offer.Ports.Select((_, index) => ForwardAsync(index, over.Token)));
        await Task.WhenAny(all, connection.Ended);
        await over.CancelAsync();
        await all;
        await connection.CloseAsync();
        await running;
    }

    private async Task ForwardAsync(int index, CancellationToken cancel)
    {
        var (data, error, port) = (index * 2, index * 2 + 1, offer.Ports[index]);
        var prefix = new byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(prefix, (ushort)port);
        try
        {
            await connection.SendAsync(data, prefix, cancel);
            await connection.SendAsync(error, prefix, cancel);
            var (socket, problem) = await forward.ConnectAsync(offer.Pod, port, cancel);
            if (socket is null)
            {
                await connection.SendAsync(error, Encoding.UTF8.GetBytes(problem), cancel);
                return;
            }
            using (socket)
                await MoveAsync(socket, data, cancel);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException)
        {
            // The client has left, or the connection broke: that one alone is over.
        }
    }

    private async Task MoveAsync(Socket socket, int data, CancellationToken cancel)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: false);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var sending = SendAsync(connection.Input(data), stream, socket, over.Token);
        try
        {
            // No message says that the client has finished: the pod's side ends it.
            await StreamPump.OutputAsync(stream, new ChannelOutput(connection, data), cancel);
        }
        finally
        {
            await over.CancelAsync();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task SendAsync(PipeReader from, Stream to, Socket socket, CancellationToken cancel)
    {
        if (await StreamPump.InputAsync(from, to, cancel))
            socket.Shutdown(SocketShutdown.Send);
    }
}
