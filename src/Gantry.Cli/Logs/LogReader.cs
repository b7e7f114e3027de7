namespace Gantry.Cli.Logs;

/// <summary>Reads a container's log from a line on, and follows it as long as it may grow.</summary>
internal sealed class LogReader(LogPrinter printer, TimeProvider time)
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Prints what there is now.</summary>
    /// <param name="tail">The last so many lines; null for all.</param>
    public void PrintAll(LogFile file, int? tail)
    {
        if (tail is { } count)
            file.Lines.Seek(StartOfLast(file, count));
        Drain(file);
        if (!file.Lines.Rest().IsEmpty)
            printer.Print(file.Lines.Rest());
        printer.Flush();
    }

    /// <summary>Prints what there is and what comes, over rotations, until <paramref name="hasEnded"/> says that no more will.</summary>
    /// <param name="hasEnded">Asked while nothing comes; what was written before it said so is still printed.</param>
    public async Task FollowAsync(LogFile first, int? tail, Func<Task<bool>> hasEnded, CancellationToken cancel)
    {
        if (tail is { } count)
            first.Lines.Seek(StartOfLast(first, count));
        var file = first;
        try
        {
            var ended = false;
            while (true)
            {
                file.RewindIfCut();
                var printed = Drain(file);
                printer.Flush();
                if (file.Successor() is { } next)
                {
                    // The writer has moved on before the new file had a name to be found by: nothing more comes to the old one.
                    Drain(file);
                    file.Dispose();
                    file = next;
                    continue;
                }
                if (ended)
                    return;
                ended = !printed && await hasEnded();
                if (!ended)
                    await Task.Delay(_pause, time, cancel);
            }
        }
        finally
        {
            file.Dispose();
        }
    }

    private bool Drain(LogFile file)
    {
        var any = false;
        while (file.Lines.TryRead(out var line))
        {
            printer.Print(line);
            any = true;
        }
        return any;
    }

    /// <summary>Where the last lines begin. A line in parts is one line.</summary>
    private static long StartOfLast(LogFile file, int count)
    {
        var starts = new Queue<long>();
        var position = 0L;
        var (outputOpen, errorOpen) = (false, false);
        while (true)
        {
            if (!file.Lines.TryRead(out var line))
                break;
            var isPart = LogLine.TryParse(line, out var parsed) && !parsed.IsFull;
            ref var open = ref parsed.IsError ? ref errorOpen : ref outputOpen;
            if (!open)
                starts.Enqueue(position);
            open = isPart;
            if (starts.Count > count)
                starts.Dequeue();
            position = file.Lines.Position;
        }
        return starts.Count > 0 ? starts.Peek() : position;
    }
}
