using System.Net;
using System.Net.Sockets;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux.Namespaces;
using Gantry.Persistence;

namespace Gantry.Pods;

/// <summary>
/// Connects to what listens on a pod's localhost. A socket belongs to the network namespace that it is made in, wherever it
/// is used: a thread enters the pod's, makes it and ends, and the connection itself needs no thread.
/// </summary>
public sealed class PodPortForwarder(PodStore pods, NodePaths paths)
{
    /// <summary>On loopback an answer comes at once, or a packet filter swallows it.</summary>
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(5);

    /// <summary>The pod, if its ports can be connected to.</summary>
    /// <exception cref="NotFoundException">There is no such pod.</exception>
    /// <exception cref="WrongStateException">It is not Ready.</exception>
    public PodRecord GetReady(string idOrPrefix) => Ready(pods.Get(idOrPrefix));

    /// <summary>Connects to a port on 127.0.0.1 and, where that fails, on ::1.</summary>
    /// <returns>The caller's to dispose.</returns>
    /// <exception cref="NotFoundException">The pod is gone.</exception>
    /// <exception cref="WrongStateException">It is not Ready, or nothing listens there.</exception>
    /// <exception cref="OperationCanceledException">The token ended the wait.</exception>
    public async Task<Socket> ConnectAsync(PodId id, int port, CancellationToken cancel)
    {
        var pod = Ready(pods.TryGet(id) ?? throw new NotFoundException($"pod {id.Short} does not exist"));
        var (socket, first) = await TryConnectAsync(pod, IPAddress.Loopback, port, cancel);
        if (socket is not null)
            return socket;
        (socket, var second) = await TryConnectAsync(pod, IPAddress.IPv6Loopback, port, cancel);
        return socket ?? throw new WrongStateException($"pod {id.Short}: nothing answers on port {port} of localhost (127.0.0.1: {first}; ::1: {second})");
    }

    private static PodRecord Ready(PodRecord pod) => pod.State is PodState.Ready
        ? pod
        : throw new WrongStateException($"pod {pod.Id.Short} is {pod.State}: ports of a Ready one only can be connected to");

    private async Task<(Socket? Socket, string Problem)> TryConnectAsync(PodRecord pod, IPAddress address, int port, CancellationToken cancel)
    {
        Socket? socket = null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_deadline);
        try
        {
            socket = await OpenAsync(pod, address.AddressFamily);
            await socket.ConnectAsync(new IPEndPoint(address, port), limit.Token);
            return (socket, "");
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            socket?.Dispose();
            return (null, e is SocketException ? e.Message : $"no answer within {_deadline.TotalSeconds:0} s");
        }
        catch
        {
            socket?.Dispose();
            throw;
        }
    }

    /// <summary>By the pod's own pin, never by a process's number: a number may be another's by now.</summary>
    private async Task<Socket> OpenAsync(PodRecord pod, AddressFamily family)
    {
        if (pod.Spec.UsesHostNetwork)
            return New(family);
        Socket? socket = null;
        await NamespaceThread.RunInAsync([paths.PodNamespace(pod.Id, "net")], () => socket = New(family));
        return socket!; // set, or EnterAsync has thrown.
    }

    private static Socket New(AddressFamily family) => new(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
}
