using System.IO.Pipelines;
using Gantry.Containers;
using Gantry.Faults;
using Gantry.Linux.Descriptors;
using Gantry.Oci;

namespace Gantry.Streaming;

/// <summary>
/// Runs a command in a container with a client's streams. A client that leaves does not kill the command: its input ends,
/// and it finds its output closed; with a terminal, the terminal hangs up. That is what ends a command of sshd's.
/// </summary>
public sealed class ExecStream(ContainerExecutor executor)
{
    /// <summary>What a terminal's last bytes take on their way through the kernel, where a child still holds it open.</summary>
    private static readonly TimeSpan _terminalGrace = TimeSpan.FromMilliseconds(100);

    /// <summary>Serves one client to the command's end or to its own.</summary>
    /// <param name="offer">What to run.</param>
    /// <param name="remote">The client.</param>
    /// <param name="cancel">The session must end: the daemon stops, or nothing has moved for too long.</param>
    public async Task RunAsync(ExecOffer offer, RemoteCommand remote, CancellationToken cancel)
    {
        RemoteStatus? status;
        try
        {
            await using var process = await executor.StartAsync(offer.Container.Value, offer.Command, offer.Streams.Input, offer.Streams.Terminal, cancel);
            status = await ServeAsync(process, remote, cancel);
        }
        catch (Exception e) when (e is GantryException or IOException)
        {
            status = RemoteStatus.Failed($"error executing command in container: {e.Message}");
        }
        if (status is not null)
            await remote.EndAsync(status);
    }

    /// <returns>Null where the client has left.</returns>
    private static async Task<RemoteStatus?> ServeAsync(RunningProcess process, RemoteCommand remote, CancellationToken cancel)
    {
        using var ended = new CancellationTokenSource();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var input = InputAsync(process, remote.Input, over.Token);
        var resizes = ResizeAsync(process, remote.Resizes, over.Token);
        var outputs = Task.WhenAll(
            OutputAsync(process, process.Output, remote.Output ?? RemoteOutput.None, ended.Token, over.Token),
            OutputAsync(process, process.ErrorOutput, remote.ErrorOutput ?? RemoteOutput.None, ended.Token, over.Token));
        var exit = process.WaitAsync(over.Token);
        try
        {
            await Task.WhenAny(exit, remote.Left);
            if (!exit.IsCompleted)
            {
                await LeaveAsync(process, input, exit);
                return null;
            }
            var code = await exit;
            if (process.HasTerminal)
                ended.CancelAfter(_terminalGrace);
            else
                await ended.CancelAsync();
            await outputs;
            return RemoteStatus.Exited(code);
        }
        finally
        {
            await over.CancelAsync();
            await Task.WhenAll(input, resizes, outputs, exit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>What the client had sent is still delivered; its output has no reader any more.</summary>
    private static async Task LeaveAsync(RunningProcess process, Task input, Task exit)
    {
        if (process.HasTerminal)
            return;
        await process.Output.DisposeAsync();
        if (process.ErrorOutput is not null)
            await process.ErrorOutput.DisposeAsync();
        await Task.WhenAny(input, exit);
    }

    private static async Task InputAsync(RunningProcess process, PipeReader? from, CancellationToken cancel)
    {
        if (from is null || process.Input is null)
            return;
        if (!await StreamPump.InputAsync(from, process.Input, cancel))
            return;
        if (!process.HasTerminal)
            await process.Input.DisposeAsync();
        else if (Terminal.EndOfInput(process.Input.File) is { } end)
            await process.Input.WriteAsync(new[] { end }, cancel);
    }

    private static async Task OutputAsync(RunningProcess process, DescriptorStream? from, RemoteOutput to, CancellationToken ended, CancellationToken cancel)
    {
        if (from is null)
        {
            await to.FinishAsync();
            return;
        }
        try
        {
            await StreamPump.OutputAsync(from, to, ended, cancel);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The client takes no more: the process learns it by its next write. A terminal's is its input, too.
            if (!process.HasTerminal)
                await from.DisposeAsync();
            return;
        }
        await to.FinishAsync();
    }

    private static async Task ResizeAsync(RunningProcess process, PipeReader? from, CancellationToken cancel)
    {
        if (from is null)
            return;
        try
        {
            await TerminalSizes.ReadAsync(from, process.Resize, cancel);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The client is gone, or the terminal.
        }
    }
}
