using System.IO.Pipelines;
using System.Net.WebSockets;
using System.Text;
using CsCheck;
using Gantry.Streaming.WebSockets;
using Gantry.UnitTests.Spdy;
using Xunit;

namespace Gantry.UnitTests.Streaming;

public sealed class ChannelConnectionTests
{
    private static readonly ChannelProtocol _v5 = Protocol("v5.channel.k8s.io");
    private static readonly ChannelProtocol _base64 = Protocol("v4.base64.channel.k8s.io");

    [Theory]
    [InlineData("v5.channel.k8s.io")]
    [InlineData("v4.channel.k8s.io")]
    [InlineData("v4.base64.channel.k8s.io")]
    [InlineData("base64.channel.k8s.io")]
    [InlineData("")]
    public Task Receive_MessagesOfAllChannels_GoWhereTheyBelong(string name) =>
        Gen.Select(Gen.Int[0, 5], Gen.Byte.Array[0, 9000], Gen.Int[1, 4]).Array[1, 12].SampleAsync(async messages =>
        {
            var protocol = Protocol(name);
            var (client, server) = Open(protocol, true, false, false, false, true);
            var reading = Task.WhenAll(ReadAsync(server.Input(0)), ReadAsync(server.Input(4)));
            foreach (var (channel, bytes, pieces) in messages)
                await SendAsync(client, protocol, channel, bytes, pieces);
            await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);

            var got = await reading.WaitAsync(TimeSpan.FromSeconds(30));

            Assert.Equal(messages.Where(one => one.Item1 == 0).SelectMany(one => one.Item2), got[0]);
            Assert.Equal(messages.Where(one => one.Item1 == 4).SelectMany(one => one.Item2), got[1]);
            await server.Ended;
            await server.DisposeAsync();
        }, iter: 30);

    [Fact]
    public Task Receive_AnyMessages_EndsAndNeverBreaks() =>
        Gen.Select(Gen.Byte.Array[0, 300].Array[0, 10], Gen.Bool).SampleAsync(async (messages, isBase64) =>
        {
            var (client, server) = Open(isBase64 ? _base64 : _v5, true, false, true);
            var reading = Task.WhenAll(ReadAsync(server.Input(0)), ReadAsync(server.Input(2)));
            foreach (var message in messages)
                await client.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
            client.Abort();
            client.Dispose();

            await server.Ended.WaitAsync(TimeSpan.FromSeconds(30));
            await reading;
            await server.DisposeAsync();
        }, iter: 100);

    [Fact]
    public async Task Receive_CloseSignalOfV5_EndsThatChannelAlone()
    {
        var (client, server) = Open(_v5, true, false, false, false, true);
        await SendRawAsync(client, [0, 7]);
        await SendRawAsync(client, [255, 0]);
        await SendRawAsync(client, [0, 8]);

        Assert.Equal([7], await ReadAsync(server.Input(0)));
        await SendRawAsync(client, [4, 9]);
        Assert.Equal(9, (await server.Input(4).ReadAsync()).Buffer.FirstSpan[0]);
        Assert.False(server.Ended.IsCompleted);
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Receive_ByteOfTheSignalInV4_IsOfAChannelThatIsNot()
    {
        var (client, server) = Open(Protocol("v4.channel.k8s.io"), true);
        await SendRawAsync(client, [255, 0]);
        await SendRawAsync(client, [0, 8]);

        Assert.Equal(8, (await server.Input(0).ReadAsync()).Buffer.FirstSpan[0]);
        await server.DisposeAsync();
    }

    [Theory]
    [InlineData("v5.channel.k8s.io")]
    [InlineData("base64.channel.k8s.io")]
    public async Task Send_LongBytes_AreMessagesOfOneFrameEach(string name)
    {
        var protocol = Protocol(name);
        var (client, server) = Open(protocol);
        var bytes = Enumerable.Range(0, 200_000).Select(n => (byte)(n * 7)).ToArray();

        var sending = server.SendAsync(1, bytes, CancellationToken.None).AsTask();

        using var got = new MemoryStream();
        var buffer = new byte[1 << 20];
        while (got.Length < bytes.Length)
        {
            var length = 0;
            ValueWebSocketReceiveResult received;
            do
            {
                received = await client.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                length += received.Count;
            }
            while (!received.EndOfMessage);
            Assert.Equal(protocol.IsBase64 ? (byte)'1' : 1, buffer[0]);
            got.Write(protocol.IsBase64 ? Convert.FromBase64String(Encoding.ASCII.GetString(buffer, 1, length - 1)) : buffer[1..length]);
        }
        await sending;
        Assert.True(bytes.AsSpan().SequenceEqual(got.ToArray()));
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Send_ToAClientThatHasLeft_IsAnIOException()
    {
        var (client, server) = Open(_v5);
        client.Abort();
        await server.Ended;

        await Assert.ThrowsAsync<IOException>(async () =>
        {
            while (true)
                await server.SendAsync(1, new byte[1000], CancellationToken.None);
        });
        await server.DisposeAsync();
    }

    [Theory]
    [InlineData("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]
    public void Handshake_KeyOfTheStandardsExample_HasItsAnswer(string key, string answer) => Assert.Equal(answer, WebSocketHandshake.Answer(key));

    [Theory]
    [InlineData("v4.channel.k8s.io,v5.channel.k8s.io", "v4.channel.k8s.io")]
    [InlineData("v9.channel.k8s.io,v5.channel.k8s.io", "v5.channel.k8s.io")]
    [InlineData("", "")]
    [InlineData("v9.channel.k8s.io", null)]
    public void Choose_FirstThatIsKnown_IsTheClientsChoice(string asked, string? chosen) =>
        Assert.Equal(chosen, ChannelProtocol.Choose(asked.Split(',', StringSplitOptions.RemoveEmptyEntries), ChannelProtocol.OfCommands)?.Name);

    private static ChannelProtocol Protocol(string name) => ChannelProtocol.OfCommands.Single(one => one.Name == name);

    private static (WebSocket Client, ChannelConnection Server) Open(ChannelProtocol protocol, params bool[] readable)
    {
        var (here, there) = DuplexPair.Create();
        var client = WebSocket.CreateFromStream(here, new WebSocketCreationOptions { IsServer = false });
        var server = new ChannelConnection(WebSocket.CreateFromStream(there, new WebSocketCreationOptions { IsServer = true }), protocol, () => { }, readable);
        _ = server.RunAsync();
        return (client, server);
    }

    private static async Task SendAsync(WebSocket client, ChannelProtocol protocol, int channel, byte[] bytes, int pieces)
    {
        byte[] message = protocol.IsBase64
            ? [(byte)('0' + channel), .. Encoding.ASCII.GetBytes(Convert.ToBase64String(bytes))]
            : [(byte)channel, .. bytes];
        var length = message.Length / pieces + 1;
        for (var at = 0; at < message.Length; at += length)
        {
            var end = Math.Min(at + length, message.Length);
            await client.SendAsync(message.AsMemory(at..end), protocol.IsBase64 ? WebSocketMessageType.Text : WebSocketMessageType.Binary, end == message.Length, CancellationToken.None);
        }
    }

    private static Task SendRawAsync(WebSocket client, byte[] message) => client.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);

    private static async Task<byte[]> ReadAsync(PipeReader reader)
    {
        using var bytes = new MemoryStream();
        await reader.CopyToAsync(bytes);
        return bytes.ToArray();
    }
}
