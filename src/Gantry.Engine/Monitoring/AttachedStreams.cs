using System.Net.Sockets;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Monitor.Contract;

namespace Gantry.Monitoring;

/// <summary>Which of a container's streams to join.</summary>
public sealed record AttachRequest(bool Input, bool Output, bool ErrorOutput)
{
    /// <summary>Whether the container has a terminal: input and output are one connection then.</summary>
    public bool Terminal { get; init; }
}

/// <summary>
/// A container's streams, from the moment they were joined. The container does not wait for them: a reader that is too far
/// behind finds them ended. Disposing leaves.
/// </summary>
public sealed class AttachedStreams : IAsyncDisposable
{
    /// <summary>A monitor answers at once, or hangs.</summary>
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(5);

    private readonly ContainerId _id;
    private readonly string _bundle;

    private AttachedStreams(ContainerId id, string bundle)
    {
        _id = id;
        _bundle = bundle;
    }

    /// <summary>What is written becomes the container's input; null where it was not asked for.</summary>
    public Stream? Input { get; private set; }

    /// <summary>With a terminal and input, the same stream as the input.</summary>
    public Stream? Output { get; private set; }

    public Stream? ErrorOutput { get; private set; }

    /// <summary>Sets the size of the container's terminal.</summary>
    /// <returns>False where the monitor is gone, or the container has no terminal.</returns>
    public async Task<bool> TryResizeAsync(int columns, int rows, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_deadline);
        try
        {
            using var connection = await MonitorConnection.TryOpenAsync(_bundle, limit.Token);
            return connection is not null && await connection.AskAsync($"{ControlMessage.Resize}{columns} {rows}", limit.Token) == ControlMessage.Ok;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Input is not null)
            await Input.DisposeAsync();
        if (Output is not null)
            await Output.DisposeAsync();
        if (ErrorOutput is not null)
            await ErrorOutput.DisposeAsync();
    }

    internal static async Task<AttachedStreams> OpenAsync(ContainerId id, string bundle, AttachRequest request, CancellationToken cancel)
    {
        var streams = new AttachedStreams(id, bundle);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_deadline);
        try
        {
            // Outputs first: an answer to the first input must not be missed.
            if (request.Terminal && request.Input)
                streams.Input = streams.Output = await streams.JoinAsync(ControlMessage.AttachTerminal, limit.Token);
            else if (request.Output)
                streams.Output = await streams.JoinAsync(ControlMessage.AttachOutput, limit.Token);
            if (request.ErrorOutput && !request.Terminal)
                streams.ErrorOutput = await streams.JoinAsync(ControlMessage.AttachError, limit.Token);
            if (request.Input && !request.Terminal)
                streams.Input = await streams.JoinAsync(ControlMessage.AttachInput, limit.Token);
            return streams;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            await streams.DisposeAsync();
            throw new TimedOutException($"container {id.Short}: its monitor did not answer within {_deadline.TotalSeconds:0} s: look at the gantry-monitor process");
        }
        catch
        {
            await streams.DisposeAsync();
            throw;
        }
    }

    private async Task<Stream> JoinAsync(string request, CancellationToken cancel)
    {
        var connection = await MonitorConnection.TryOpenAsync(_bundle, cancel)
            ?? throw new WrongStateException($"container {_id.Short}: its monitor is gone, so nothing can be attached to it");
        try
        {
            var (turned, answer) = await connection.TryTurnAsync(request, cancel);
            var socket = turned ?? throw new WrongStateException(
                answer.Length == 0
                    ? $"container {_id.Short}: its monitor attaches no more clients (it has room for 32 streams)"
                    : $"container {_id.Short}: its monitor, which may be older than this daemon, does not attach clients: {answer}");
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
