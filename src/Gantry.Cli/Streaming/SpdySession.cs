using Gantry.Spdy;

namespace Gantry.Cli.Streaming;

/// <summary>A remote command over SPDY, which every CRI runtime speaks: v4.channel.k8s.io.</summary>
internal sealed class SpdySession(SpdyConnection connection) : IAsyncDisposable
{
    public const string Protocol = "v4.channel.k8s.io";
    private const int Chunk = 32 << 10;

    /// <summary>Moves bytes until the command has ended, or the user detaches.</summary>
    /// <param name="local">This side's streams.</param>
    /// <param name="hasErrorOutput">Whether the command has an error output of its own.</param>
    /// <param name="cancel">Leaves the command to itself.</param>
    public async Task<RemoteResult> RunAsync(LocalStreams local, bool hasErrorOutput, CancellationToken cancel)
    {
        var reading = connection.RunAsync();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var error = await OpenAsync("error", cancel);
        var input = local.Input is null ? null : await OpenAsync("stdin", cancel);
        var output = await OpenAsync("stdout", cancel);
        var errorOutput = hasErrorOutput ? await OpenAsync("stderr", cancel) : null;
        var resizes = local.Sizes is null ? null : await OpenAsync("resize", cancel);
        var sending = Task.WhenAll(SendInputAsync(local.Input, input, over), SendSizesAsync(local, resizes, over.Token));
        try
        {
            var status = SpdyMessage.ReadAsync(error, over.Token);
            await Task.WhenAll(CopyAsync(output, local.Output, over.Token), errorOutput is null ? Task.CompletedTask : CopyAsync(errorOutput, local.ErrorOutput, over.Token));
            return RemoteStatus.Read(await status);
        }
        catch (OperationCanceledException) when (local.Input is { IsDetached: true })
        {
            return new RemoteResult(0, "");
        }
        finally
        {
            await over.CancelAsync();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await connection.DisposeAsync();
            await reading;
        }
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private Task<SpdyStream> OpenAsync(string kind, CancellationToken cancel) =>
        connection.OpenAsync(new Dictionary<string, string> { ["streamtype"] = kind }, cancel);

    private static async Task SendInputAsync(LocalInput? from, SpdyStream? to, CancellationTokenSource over)
    {
        if (from is null || to is null)
            return;
        var buffer = new byte[Chunk];
        while (await from.ReadAsync(buffer, over.Token) is var count and > 0)
            await to.WriteAsync(buffer.AsMemory(0, count), over.Token);
        if (from.IsDetached)
            await over.CancelAsync();
        else
            await to.FinishAsync();
    }

    private static async Task SendSizesAsync(LocalStreams local, SpdyStream? to, CancellationToken cancel)
    {
        if (local.Sizes is null || to is null)
            return;
        await foreach (var size in local.Sizes.ReadAllAsync(cancel))
            await to.WriteAsync(size.ToJson(), cancel);
    }

    /// <summary>A reset or lost stream ends as a finished one does; what is missing then is the status.</summary>
    private static async Task CopyAsync(SpdyStream from, Stream to, CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                var read = await from.Input.ReadAsync(cancel);
                foreach (var piece in read.Buffer)
                    await LocalOutput.WriteAsync(to, piece, cancel);
                from.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    return;
            }
        }
        catch (SpdyException)
        {
            // As above.
        }
    }
}
