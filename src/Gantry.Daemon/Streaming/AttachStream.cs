using System.IO.Pipelines;
using System.Net.Sockets;
using Gantry.Containers;
using Gantry.Faults;
using Gantry.Monitoring;

namespace Gantry.Streaming;

/// <summary>
/// Joins a client with the streams of a container's own process, from that moment to the container's end or the client's.
/// The end of the client's input closes the container's input where it was to have one client only (stdinOnce), and is the
/// client's leave-taking otherwise.
/// </summary>
public sealed class AttachStream(ContainerAttacher attacher, TimeProvider time)
{
    /// <summary>The output ends a moment before the process does.</summary>
    private static readonly TimeSpan _exitGrace = TimeSpan.FromSeconds(2);

    /// <summary>For what a client that has left had sent, and the container does not take.</summary>
    private static readonly TimeSpan _inputGrace = TimeSpan.FromMinutes(1);

    /// <summary>Serves one client to the container's end or to its own.</summary>
    /// <param name="offer">What to join.</param>
    /// <param name="remote">The client.</param>
    /// <param name="cancel">The session must end: the daemon stops, or nothing has moved for too long.</param>
    public async Task RunAsync(AttachOffer offer, RemoteCommand remote, CancellationToken cancel)
    {
        RemoteStatus? status;
        try
        {
            var asked = offer.Streams;
            var (container, streams) = await attacher.AttachAsync(offer.Container, asked.Input, asked.Output, asked.ErrorOutput, cancel);
            await using (streams)
                status = await ServeAsync(container, streams, remote, cancel);
        }
        catch (Exception e) when (e is GantryException or IOException)
        {
            status = RemoteStatus.Failed($"error attaching to container: {e.Message}");
        }
        if (status is not null)
            await remote.EndAsync(status);
    }

    /// <returns>Null where the client has left.</returns>
    private async Task<RemoteStatus?> ServeAsync(ContainerRecord container, AttachedStreams streams, RemoteCommand remote, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var input = InputAsync(container, streams, remote.Input, over.Token);
        var resizes = ResizeAsync(streams, remote.Resizes, over.Token);
        var outputs = Task.WhenAll(
            OutputAsync(streams.Output, remote.Output ?? RemoteOutput.None, over.Token), OutputAsync(streams.ErrorOutput, remote.ErrorOutput ?? RemoteOutput.None, over.Token));
        var exit = attacher.WaitForExitAsync(container.Id);
        // A client of the input alone has no output whose end it could see.
        var done = streams.Output is null && streams.ErrorOutput is null ? exit : outputs;
        try
        {
            var left = LeavesAsync(input, remote.Left);
            var first = await Task.WhenAny(done, left).WaitAsync(cancel);
            if (first == left)
            {
                // What it had sent is still delivered, as long as the container takes it.
                await Task.WhenAny(input, exit, Task.Delay(_inputGrace, time, over.Token));
                return remote.Left.IsCompleted ? null : RemoteStatus.Success;
            }
            await done;
            return await StatusAsync(container, cancel);
        }
        finally
        {
            await over.CancelAsync();
            await Task.WhenAll(input, resizes, outputs).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Completes when the client has left, or has taken leave by the end of its input.</summary>
    private static async Task LeavesAsync(Task<bool> input, Task left)
    {
        await Task.WhenAny(input, left);
        if (left.IsCompleted || (input.IsCompletedSuccessfully && await input))
            return;
        await left;
    }

    /// <summary>A container that runs on has ended its output itself, or has written faster than it was read.</summary>
    private async Task<RemoteStatus> StatusAsync(ContainerRecord container, CancellationToken cancel) => await attacher.HasEndedAsync(container, _exitGrace, cancel)
        ? RemoteStatus.Success
        : RemoteStatus.Failed($"container {container.Id.Short} runs on, and its output has ended for this client: it was read too slowly, or the container has closed it");

    /// <returns>Whether the end of the client's input is its leave-taking.</returns>
    private static async Task<bool> InputAsync(ContainerRecord container, AttachedStreams streams, PipeReader? from, CancellationToken cancel)
    {
        if (from is null)
            return false;
        if (streams.Input is null)
        {
            // The container has no input: what the client sends goes nowhere.
            await from.CompleteAsync();
            return false;
        }
        var isFinished = await StreamPump.InputAsync(from, streams.Input, cancel);
        var closes = container.Spec.StdinOnce && !container.Spec.Terminal;
        if (closes)
            await streams.Input.DisposeAsync();
        return isFinished && !closes;
    }

    private static async Task OutputAsync(Stream? from, RemoteOutput to, CancellationToken cancel)
    {
        if (from is not null)
        {
            try
            {
                await StreamPump.OutputAsync(from, to, cancel);
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
            {
                // The monitor has ended without a word, or the client takes no more of this.
            }
        }
        await to.FinishAsync();
    }

    private static async Task ResizeAsync(AttachedStreams streams, PipeReader? from, CancellationToken cancel)
    {
        if (from is null)
            return;
        var sizes = System.Threading.Channels.Channel.CreateBounded<(int Columns, int Rows)>(
            new System.Threading.Channels.BoundedChannelOptions(1) { FullMode = System.Threading.Channels.BoundedChannelFullMode.DropOldest });
        var reading = ReadAsync();
        await foreach (var (columns, rows) in sizes.Reader.ReadAllAsync(cancel))
            await streams.TryResizeAsync(columns, rows, cancel);
        await reading;

        async Task ReadAsync()
        {
            try
            {
                await TerminalSizes.ReadAsync(from, (columns, rows) => sizes.Writer.TryWrite((columns, rows)), cancel);
            }
            catch (IOException)
            {
                // The client has left.
            }
            finally
            {
                sizes.Writer.TryComplete();
            }
        }
    }
}
