using System.Globalization;
using System.Text;
using Gantry.Identity;
using Gantry.Persistence;
using Gantry.Pods;
using Gantry.Spdy;
using Gantry.Streaming;
using Gantry.Streaming.Spdy;
using Gantry.UnitTests.Spdy;
using Xunit;

namespace Gantry.UnitTests.Streaming;

/// <summary>A port forward's streams, to a pod that is gone.</summary>
public sealed class SpdyPortForwardTests : IAsyncDisposable
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);
    private SpdyConnection _client = null!;
    private Task _serving = null!;

    public SpdyPortForwardTests() => Serve(_limit);

    [Fact]
    public async Task Forward_ToAPodThatIsGone_IsToldOnTheErrorStreamAndTheDataIsReset()
    {
        var error = await OpenAsync("error", "80", "1");
        var data = await OpenAsync("data", "80", "1");

        var problem = await ReadToEndAsync(error);

        Assert.Contains("does not exist", problem, StringComparison.Ordinal);
        await Assert.ThrowsAsync<SpdyException>(() => ReadToEndAsync(data));
        Assert.False(_serving.IsCompleted);
    }

    [Fact]
    public async Task Error_WithoutItsData_IsToldSoInTime()
    {
        await DisposeAsync();
        Serve(TimeSpan.FromMilliseconds(50));

        var problem = await ReadToEndAsync(await OpenAsync("error", "80", "1"));

        Assert.Contains("was not opened", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_WithoutItsError_IsResetInTime()
    {
        await DisposeAsync();
        Serve(TimeSpan.FromMilliseconds(50));

        var data = await OpenAsync("data", "80", "1");

        await Assert.ThrowsAsync<SpdyException>(() => ReadToEndAsync(data));
    }

    [Theory]
    [InlineData("data", "0")]
    [InlineData("data", "65536")]
    [InlineData("data", "-1")]
    [InlineData("data", "")]
    [InlineData("error", "80 ")]
    [InlineData("stdin", "80")]
    [InlineData("", "80")]
    public async Task Open_WithoutATypeOrPort_IsReset(string kind, string port) =>
        await Assert.ThrowsAsync<SpdyException>(() => OpenAsync(kind, port, "1"));

    [Fact]
    public async Task Open_TheSameHalfTwice_IsReset()
    {
        await OpenAsync("data", "80", "1");

        await Assert.ThrowsAsync<SpdyException>(async () => await ReadToEndAsync(await OpenAsync("data", "80", "1")));
    }

    [Fact]
    public async Task Open_TooManyHalves_IsRefusedEvenWhereTheClientHasResetThem()
    {
        for (var n = 0; n < 1024; n++)
            await (await OpenAsync("error", "80", n.ToString(CultureInfo.InvariantCulture))).ResetAsync(SpdyResetReason.Cancel);

        await Assert.ThrowsAsync<SpdyException>(() => OpenAsync("error", "80", "one more"));
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        await _serving.WaitAsync(_limit);
    }

    private void Serve(TimeSpan creation)
    {
        var (clientSide, serverSide) = DuplexPair.Create();
        var server = new SpdyConnection(serverSide, SpdyRole.Server, new SpdyLimits { MostStreams = 2048 }, TimeProvider.System);
        _ = server.RunAsync();
        _client = new SpdyConnection(clientSide, SpdyRole.Client, new SpdyLimits(), TimeProvider.System);
        _ = _client.RunAsync();
        var paths = new NodePaths("/nowhere/root", "/nowhere/state");
        var forward = new PortForwardStream(new PodPortForwarder(new PodStore(paths), paths));
        _serving = new SpdyPortForward(server, new PortForwardOffer(PodId.New(), []), forward, creation).RunAsync(_none);
    }

    private Task<SpdyStream> OpenAsync(string kind, string port, string request) =>
        _client.OpenAsync(new Dictionary<string, string> { ["streamtype"] = kind, ["port"] = port, ["requestid"] = request }, _none).WaitAsync(_limit);

    private static async Task<string> ReadToEndAsync(SpdyStream stream)
    {
        using var bytes = new MemoryStream();
        await stream.Input.CopyToAsync(bytes).WaitAsync(_limit);
        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
