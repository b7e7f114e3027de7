using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Processes;

/// <summary>How many bytes of output may still be kept; streams may share one.</summary>
public sealed class OutputBudget(int bytes)
{
    private int _left = bytes;

    /// <summary>Takes as many of <paramref name="wanted"/> bytes as there are left.</summary>
    public int Take(int wanted)
    {
        while (true)
        {
            var left = Volatile.Read(ref _left);
            var taken = Math.Min(left, wanted);
            if (Interlocked.CompareExchange(ref _left, left - taken, left) == left)
                return taken;
        }
    }
}

/// <summary>Collects what a program writes to a pipe.</summary>
public static class OutputCollector
{
    private const int PieceSize = 16 << 10;

    /// <summary>What a pipe can hold by default's limit (pipe(7)): more than that was written after the end, by somebody else.</summary>
    private const int MostAfterEnd = 1 << 20;

    /// <summary>Reads until the other side closes, or until the program has ended and the pipe is empty.</summary>
    /// <param name="pipe">Owned by this call.</param>
    /// <param name="budget">What comes beyond it is read and dropped, so that the program never blocks.</param>
    /// <param name="ended">The program has ended: a child of its that keeps the pipe open is not waited for.</param>
    public static async Task<byte[]> CollectAsync(FileDescriptor pipe, OutputBudget budget, CancellationToken ended)
    {
        await using var stream = new DescriptorStream(pipe);
        var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(PieceSize);
        var kept = new MemoryStream();
        var afterEnd = 0;
        try
        {
            while (afterEnd <= MostAfterEnd)
            {
                var hasEnded = ended.IsCancellationRequested;
                var outcome = stream.TryRead(buffer, out var count);
                afterEnd += hasEnded ? count : 0;
                if (outcome is IoOutcome.Done)
                    kept.Write(buffer, 0, budget.Take(count));
                else if (outcome is not IoOutcome.WouldBlock || hasEnded)
                    break;
                else
                    await WaitAsync(stream.File, ended);
            }
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
        return kept.ToArray();
    }

    private static async Task WaitAsync(FileDescriptor file, CancellationToken ended)
    {
        try
        {
            await Reactor.Shared.WaitReadableAsync(file, ended);
        }
        catch (OperationCanceledException)
        {
            // One more look, at what the program wrote last.
        }
    }
}
