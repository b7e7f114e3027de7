using System.Buffers;
using System.IO.Pipelines;
using Gantry.Linux.Descriptors;

namespace Gantry.Streaming;

/// <summary>Moves bytes, one direction a call. While nothing moves, nothing is held but the call.</summary>
internal static class StreamPump
{
    /// <summary>As much as a pipe holds.</summary>
    private const int Chunk = 64 << 10;

    /// <summary>What is read at most of a pipe after its process has ended: the most that a pipe can hold.</summary>
    private const int MostAfterEnd = 1 << 20;

    /// <summary>Moves what a client sends until it finishes or leaves, or the target takes no more.</summary>
    /// <returns>False where the target refused; what the client still sends is dropped then.</returns>
    public static async Task<bool> InputAsync(PipeReader from, Stream to, CancellationToken cancel)
    {
        while (true)
        {
            ReadResult read;
            try
            {
                read = await from.ReadAsync(cancel);
            }
            catch (IOException)
            {
                // The client is gone, or has reset the stream: that is an end too.
                return true;
            }
            try
            {
                foreach (var piece in read.Buffer)
                    await to.WriteAsync(piece, cancel);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                await from.CompleteAsync();
                return false;
            }
            from.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                return true;
        }
    }

    /// <summary>
    /// Moves what a process writes until nobody can write any more, or until <paramref name="ended"/>: then what is there
    /// still is moved, and children of the process that hold the pipe are not waited for.
    /// </summary>
    /// <exception cref="IOException">The client takes no more.</exception>
    public static async Task OutputAsync(DescriptorStream from, RemoteOutput to, CancellationToken ended, CancellationToken cancel)
    {
        var afterEnd = 0;
        while (true)
        {
            var isLast = ended.IsCancellationRequested;
            var buffer = ArrayPool<byte>.Shared.Rent(Chunk);
            try
            {
                IoOutcome outcome;
                while ((outcome = from.TryRead(buffer, out var count)) is IoOutcome.Done)
                {
                    await to.WriteAsync(buffer.AsMemory(0, count), cancel);
                    if (ended.IsCancellationRequested && (afterEnd += count) > MostAfterEnd)
                        return;
                }
                if (outcome is not IoOutcome.WouldBlock || isLast)
                    return;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
            await WaitAsync(from, ended, cancel);
        }
    }

    /// <summary>Moves everything that a stream gives until its end.</summary>
    /// <exception cref="IOException">Either side broke.</exception>
    public static async Task OutputAsync(Stream from, RemoteOutput to, CancellationToken cancel)
    {
        while (true)
        {
            // A wait that holds no buffer.
            _ = await from.ReadAsync(Memory<byte>.Empty, cancel);
            var buffer = ArrayPool<byte>.Shared.Rent(Chunk);
            try
            {
                var count = await from.ReadAsync(buffer, cancel);
                if (count == 0)
                    return;
                await to.WriteAsync(buffer.AsMemory(0, count), cancel);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    private static async Task WaitAsync(DescriptorStream from, CancellationToken ended, CancellationToken cancel)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ended, cancel);
        try
        {
            await from.WaitReadableAsync(both.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested && ended.IsCancellationRequested)
        {
            // One more look at what is there.
        }
    }
}
