using Gantry.Cri;
using Gantry.Cri.Api;
using Grpc.Core;
using Xunit;

namespace Gantry.UnitTests.Cri;

public sealed class StreamBatchesTests
{
    [Fact]
    public async Task SendAsync_LargeItems_PartsStaySmallAndNothingIsLost()
    {
        var writer = new Parts();
        var items = Enumerable.Range(0, 50).Select(n => new PodSandbox { Id = $"{n}", RuntimeHandler = new string('x', 300 << 10) });

        await StreamBatches.SendAsync(items, batch => new StreamPodSandboxesResponse { PodSandboxes = { batch } }, writer, TestContext.Current.CancellationToken);

        Assert.Equal(Enumerable.Range(0, 50).Select(n => $"{n}"), writer.Sent.SelectMany(part => part.PodSandboxes).Select(pod => pod.Id));
        Assert.All(writer.Sent, part => Assert.InRange(part.CalculateSize(), 1, 2 << 20));
    }

    [Fact]
    public async Task SendAsync_OneItemLargerThanAPart_IsSentAlone()
    {
        var writer = new Parts();
        PodSandbox[] items = [new() { Id = "1" }, new() { Id = "2", RuntimeHandler = new string('x', 3 << 20) }, new() { Id = "3" }];

        await StreamBatches.SendAsync(items, batch => new StreamPodSandboxesResponse { PodSandboxes = { batch } }, writer, TestContext.Current.CancellationToken);

        Assert.Equal([1, 1, 1], writer.Sent.Select(part => part.PodSandboxes.Count));
    }

    [Fact]
    public async Task SendAsync_ManySmallItems_GoInFewParts()
    {
        var writer = new Parts();
        var items = Enumerable.Range(0, 2500).Select(n => new PodSandbox { Id = $"{n}" });

        await StreamBatches.SendAsync(items, batch => new StreamPodSandboxesResponse { PodSandboxes = { batch } }, writer, TestContext.Current.CancellationToken);

        Assert.Equal([1000, 1000, 500], writer.Sent.Select(part => part.PodSandboxes.Count));
    }

    [Fact]
    public async Task SendAsync_Nothing_SendsNothing()
    {
        var writer = new Parts();

        await StreamBatches.SendAsync(Array.Empty<PodSandbox>(), batch => new StreamPodSandboxesResponse { PodSandboxes = { batch } }, writer, TestContext.Current.CancellationToken);

        Assert.Empty(writer.Sent);
    }

    private sealed class Parts : IServerStreamWriter<StreamPodSandboxesResponse>
    {
        public List<StreamPodSandboxesResponse> Sent { get; } = [];

        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(StreamPodSandboxesResponse message, CancellationToken cancellationToken) => WriteAsync(message);

        public Task WriteAsync(StreamPodSandboxesResponse message)
        {
            Sent.Add(message);
            return Task.CompletedTask;
        }
    }
}
