using System.Net.Sockets;
using System.Text;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Pods;
using Gantry.Spdy;

namespace Gantry.Streaming;

/// <summary>Connects a client's streams with ports of a pod.</summary>
public sealed class PortForwardStream(PodPortForwarder forwarder)
{
    /// <summary>Connects to a port; what goes wrong is a text for the client.</summary>
    internal async Task<(Socket? Socket, string Problem)> ConnectAsync(PodId pod, int port, CancellationToken cancel)
    {
        try
        {
            return (await forwarder.ConnectAsync(pod, port, cancel), "");
        }
        catch (Exception e) when (e is GantryException or IOException or SocketException)
        {
            return (null, $"error forwarding port {port} to pod {pod.Short}: {e.Message}");
        }
    }

    /// <summary>
    /// Serves one forwarded connection to its end. Either side may finish its direction and go on reading the other; what
    /// breaks one connection ends that one.
    /// </summary>
    internal async Task ForwardAsync(PortForwardOffer offer, int port, SpdyStream data, SpdyStream error, CancellationToken cancel)
    {
        // A client has nothing to say on it; what comes all the same is dropped.
        await error.Input.CompleteAsync();
        var (socket, problem) = await ConnectAsync(offer.Pod, port, cancel);
        if (socket is null)
        {
            await error.WriteAsync(Encoding.UTF8.GetBytes(problem), cancel);
            await error.FinishAsync();
            await data.ResetAsync(SpdyResetReason.InternalError);
            return;
        }
        using (socket)
        {
            // Receiving begins first: a socket that one direction was shut down of is refused by NetworkStream.
            var receiving = ReceiveAsync(socket, data, cancel);
            var sending = data.SendToAsync(socket, cancel);
            // One that fails ends the other: a reset has no halves.
            if (await Task.WhenAny(sending, receiving) is { IsCompletedSuccessfully: false })
                socket.Close(0);
            await Task.WhenAll(sending, receiving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (sending.IsCompletedSuccessfully && receiving.IsCompletedSuccessfully)
                await data.FinishAsync();
            else
                await data.ResetAsync(SpdyResetReason.Cancel);
        }
        await error.FinishAsync();
        await data.Input.CompleteAsync();
    }

    private static async Task ReceiveAsync(Socket socket, SpdyStream data, CancellationToken cancel)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: false);
        await StreamPump.OutputAsync(stream, new Spdy.SpdyOutput(data), cancel);
        await data.FinishAsync();
    }
}
