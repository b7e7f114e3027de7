using Gantry.Conformance;
using Grpc.Core;

namespace Gantry.NodeBench;

/// <summary>
/// Asks for lists on a connection of its own, as a kubelet's is, with a window that has grown to their size, and reads them
/// without taking them apart: what is timed is the server and the way to it.
/// </summary>
public sealed class ListReader(Peer peer) : IDisposable
{
    private const int Window = 16 << 20;

    private static readonly Marshaller<Message> _whole = new((_, context) => context.Complete([]), context => new Message(context.PayloadLength));

    private readonly CriConnection _connection = new(peer.Socket, Window);

    /// <summary>Both lists that a kubelet asks for, timed.</summary>
    /// <param name="samples">Where the times go to.</param>
    /// <param name="when">Completes the names of the steps.</param>
    public async Task ReadAsync(Samples samples, string when)
    {
        foreach (var list in new[] { "ListPodSandbox", "ListContainers" })
            await samples.TimeAsync($"{list} {when}", () => ReadAsync(list));
    }

    public void Dispose() => _connection.Dispose();

    private async Task<Message> ReadAsync(string list)
    {
        var method = new Method<Message, Message>(MethodType.Unary, "runtime.v1.RuntimeService", list, _whole, _whole);
        return await _connection.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, default, new Message(0));
    }

    /// <summary>Of requests nothing is written: without a filter they are empty.</summary>
    private sealed record Message(int Size);
}
