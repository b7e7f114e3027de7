using System.Diagnostics;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Processes;
using Xunit;

namespace Gantry.UnitTests.Linux;

public sealed class DescriptorStreamTests
{
    [Fact]
    public async Task ReadAsync_NothingThereYet_WaitsForIt()
    {
        using var pipe = Pipe.Open();
        await using var reader = new DescriptorStream(pipe.Reader.Move());
        await using var writer = new DescriptorStream(pipe.Writer.Move());
        var buffer = new byte[10];

        var read = reader.ReadAsync(buffer, TestContext.Current.CancellationToken);
        Assert.False(read.IsCompleted);
        await writer.WriteAsync("hello"u8.ToArray(), TestContext.Current.CancellationToken);

        Assert.Equal(5, await read);
    }

    [Fact]
    public async Task ReadAsync_OtherSideCloses_Ends()
    {
        using var pipe = Pipe.Open();
        await using var reader = new DescriptorStream(pipe.Reader.Move());

        var read = reader.ReadAsync(new byte[10], TestContext.Current.CancellationToken);
        pipe.Writer.Dispose();

        Assert.Equal(0, await read);
    }

    [Fact]
    public async Task WriteAsync_MoreThanThePipeHolds_ArrivesWhole()
    {
        using var pipe = Pipe.Open();
        await using var reader = new DescriptorStream(pipe.Reader.Move());
        var writer = new DescriptorStream(pipe.Writer.Move());
        var sent = new byte[3_000_000];
        Random.Shared.NextBytes(sent);

        async Task Send()
        {
            await writer.WriteAsync(sent);
            await writer.DisposeAsync();
        }
        var sending = Send();
        using var received = new MemoryStream();
        await reader.CopyToAsync(received, TestContext.Current.CancellationToken);
        await sending;

        Assert.Equal(sent, received.ToArray());
    }

    [Fact]
    public async Task WriteAsync_OtherSideIsGone_Fails()
    {
        using var pipe = Pipe.Open();
        await using var writer = new DescriptorStream(pipe.Writer.Move());
        pipe.Reader.Dispose();

        await Assert.ThrowsAnyAsync<IOException>(async () => await writer.WriteAsync(new byte[1]));
    }

    [Fact]
    public async Task ReadAsync_TokenOrDispose_EndsTheWait()
    {
        using var pipe = Pipe.Open();
        var reader = new DescriptorStream(pipe.Reader.Move());
        using var cancel = new CancellationTokenSource();

        var first = reader.ReadAsync(new byte[1], cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        var second = reader.ReadAsync(new byte[1], CancellationToken.None).AsTask();
        await reader.DisposeAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
    }

    [Fact]
    public async Task Reactor_ManyWaitsAtOnce_EachIsToldItsOwn()
    {
        var pipes = Enumerable.Range(0, 300).Select(_ => Pipe.Open()).ToList();
        try
        {
            var waits = pipes.ConvertAll(pipe => Reactor.Shared.WaitReadableAsync(pipe.Reader, TestContext.Current.CancellationToken));
            for (var n = 0; n < pipes.Count; n += 2)
                DescriptorIo.WriteAll(pipes[n].Writer, [1]);
            await Task.WhenAll(waits.Where((_, n) => n % 2 == 0));
            Assert.All(waits.Where((_, n) => n % 2 == 1), wait => Assert.False(wait.IsCompleted));
            for (var n = 1; n < pipes.Count; n += 2)
                DescriptorIo.WriteAll(pipes[n].Writer, [1]);
            await Task.WhenAll(waits);
        }
        finally
        {
            pipes.ForEach(pipe => pipe.Dispose());
        }
    }

    [Fact]
    public async Task ProcessTree_Kill_EndsDescendantsToo()
    {
        var mark = Random.Shared.Next(100_000, 999_999);
        var pid = ProcessSpawn.Start(new SpawnRequest("/bin/sh", ["-c", $"sh -c 'sleep {mark} & sleep {mark}' & sleep {mark}"]));
        while (Count(mark) < 3)
            await Task.Delay(10, TestContext.Current.CancellationToken);

        ProcessTree.Kill(pid);

        Assert.Equal(137, ProcessWait.Reap(pid));
        var clock = Stopwatch.StartNew();
        while (Count(mark) > 0 && clock.Elapsed < TimeSpan.FromSeconds(10))
            await Task.Delay(10, TestContext.Current.CancellationToken);
        Assert.Equal(0, Count(mark));
    }

    private static int Count(int mark) => Directory.EnumerateDirectories("/proc").Count(folder =>
    {
        try
        {
            return File.ReadAllText($"{folder}/cmdline") == $"sleep\0{mark}\0";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    });
}
