using System.Net.Sockets;
using System.Text;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Grpc.Core;
using Xunit;

namespace Gantry.NodeTests.Daemon;

/// <summary>What the socket serves, and what no client can do to it.</summary>
public sealed class ServiceTests(NodeNetwork network)
{
    private static readonly Marshaller<byte[]> _bytes = Marshallers.Create(message => message, message => message);

    [Fact]
    public async Task EveryCall_WithAnEmptyRequest_AnswersWithAStatusThatSaysWhatIsMissing()
    {
        await using var node = await GantryNode.StartAsync(network);
        foreach (var method in RuntimeService.Descriptor.Methods.Concat(ImageService.Descriptor.Methods))
        {
            var status = await CallAsync(node, method.Service.FullName, method.Name, method.IsServerStreaming, []);

            Assert.True(status.StatusCode is StatusCode.OK or StatusCode.InvalidArgument or StatusCode.NotFound or StatusCode.Unimplemented, $"{method.Name}: {status}");
            if (status.StatusCode is StatusCode.Unimplemented)
                Assert.Contains(method.Name, status.Detail, StringComparison.Ordinal);
            if (status.StatusCode is not StatusCode.OK)
                Assert.NotEqual("", status.Detail);
        }
    }

    [Fact]
    public async Task EveryCall_WithGarbageForARequest_IsRefusedAndTheDaemonGoesOn()
    {
        await using var node = await GantryNode.StartAsync(network);
        var random = new Random(7);
        foreach (var method in RuntimeService.Descriptor.Methods.Concat(ImageService.Descriptor.Methods).Where(method => !method.IsServerStreaming))
        {
            for (var n = 0; n < 5; n++)
            {
                var garbage = new byte[random.Next(1, 200)];
                random.NextBytes(garbage);
                await CallAsync(node, method.Service.FullName, method.Name, streaming: false, garbage);
            }
        }

        Assert.Equal("gantry", (await node.Runtime.VersionAsync(new VersionRequest())).RuntimeName);
    }

    [Fact]
    public async Task UnknownCall_IsUnimplemented()
    {
        await using var node = await GantryNode.StartAsync(network);

        Assert.Equal(StatusCode.Unimplemented, (await CallAsync(node, "runtime.v1.RuntimeService", "NoSuchCall", streaming: false, [])).StatusCode);
        Assert.Equal(StatusCode.Unimplemented, (await CallAsync(node, "runtime.v1alpha2.RuntimeService", "Version", streaming: false, [])).StatusCode);
    }

    [Fact]
    public async Task Health_OnTheSameSocket_IsServing()
    {
        await using var node = await GantryNode.StartAsync(network);
        const string Health = "grpc.health.v1.Health";

        // HealthCheckResponse { status: SERVING }.
        Assert.Equal([0x08, 0x01], await AnswerAsync(node, Health, "Check", []));
        Assert.Equal([0x08, 0x01], await AnswerAsync(node, Health, "Check", [0x0a, .. Text("runtime.v1.RuntimeService")]));
        Assert.Equal(StatusCode.NotFound, (await CallAsync(node, Health, "Check", streaming: false, [0x0a, .. Text("nobody")])).StatusCode);
        using var watch = node.Cri.Channel.CreateCallInvoker().AsyncServerStreamingCall(Method(Health, "Watch", streaming: true), null, new CallOptions(), []);
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal([0x08, 0x01], watch.ResponseStream.Current);
    }

    [Fact]
    public async Task Reflection_OnTheSameSocket_ListsTheServices()
    {
        await using var node = await GantryNode.StartAsync(network);
        var method = new Method<byte[], byte[]>(MethodType.DuplexStreaming, "grpc.reflection.v1alpha.ServerReflection", "ServerReflectionInfo", _bytes, _bytes);
        using var call = node.Cri.Channel.CreateCallInvoker().AsyncDuplexStreamingCall(method, null, new CallOptions());

        // ServerReflectionRequest { list_services: "*" }.
        await call.RequestStream.WriteAsync([0x3a, 0x01, (byte)'*']);
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));

        var services = Encoding.Latin1.GetString(call.ResponseStream.Current);
        foreach (var service in new[] { "runtime.v1.RuntimeService", "runtime.v1.ImageService", "gantry.v1.GantryService", "grpc.health.v1.Health" })
            Assert.Contains(service, services, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_OfMoreThanSixteenMebibytes_IsRefusedAndTheDaemonGoesOn()
    {
        await using var node = await GantryNode.StartAsync(network);
        var config = new PodSandboxConfig { Metadata = new PodSandboxMetadata { Name = "large", Namespace = "x", Uid = "u" } };
        config.Annotations["large"] = new string('x', 17 << 20);

        var failure = await Assert.ThrowsAsync<RpcException>(async () => await node.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = config }));

        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
        await node.Runtime.StatusAsync(new StatusRequest());
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [InlineData("\0\0\0\0\u00ff\u00ff nonsense")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff")]
    [InlineData("")]
    public async Task Socket_OtherWordsThanGrpc_HarmNobody(string words)
    {
        await using var node = await GantryNode.StartAsync(network);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(node.Socket));
        await socket.SendAsync(Encoding.Latin1.GetBytes(words));

        await node.Runtime.StatusAsync(new StatusRequest());
    }

    [Fact]
    public async Task Recovery_UnderWay_AnswersUnavailableAndNeverEmptyLists()
    {
        await using var node = await GantryNode.StartAsync(network, "[cni]\ntimeout_seconds = 30");
        await using (var context = node.Context())
        {
            var kept = await context.RunPodAsync();
            var torn = await context.RunPodAsync();
            await node.KillDaemonAsync();
            // What has no record is cleaned at the start, and its plugin hangs.
            await File.WriteAllTextAsync($"{node.Root}/pods/{torn.Id}/state.json", "{");
            node.Gates.Close("DEL");

            node.BeginDaemon();
            var answers = new List<(StatusCode Code, int Pods)>();
            await NodeNetwork.WaitForAsync(
                async () =>
                {
                    try
                    {
                        answers.Add((StatusCode.OK, (await node.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest())).Items.Count));
                        return true;
                    }
                    catch (RpcException e) when (e.Status.Detail.Contains("recovering", StringComparison.Ordinal))
                    {
                        Assert.Equal("gantry", (await node.Runtime.VersionAsync(new VersionRequest())).RuntimeName);
                        answers.Add((e.StatusCode, -1));
                        return false;
                    }
                },
                TimeSpan.FromSeconds(30), "the end of the recovery");

            Assert.Contains((StatusCode.Unavailable, -1), answers);
            Assert.Equal((StatusCode.OK, 1), answers[^1]);
            Assert.Equal(PodSandboxState.SandboxReady, (await kept.StatusAsync()).State);
            node.Gates.Open("DEL");
        }
    }

    private static byte[] Text(string text) => [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    private static Method<byte[], byte[]> Method(string service, string name, bool streaming) =>
        new(streaming ? MethodType.ServerStreaming : MethodType.Unary, service, name, _bytes, _bytes);

    private static async Task<byte[]> AnswerAsync(GantryNode node, string service, string name, byte[] request) =>
        await node.Cri.Channel.CreateCallInvoker().AsyncUnaryCall(Method(service, name, streaming: false), null, new CallOptions(), request);

    private static async Task<Status> CallAsync(GantryNode node, string service, string name, bool streaming, byte[] request)
    {
        try
        {
            if (!streaming)
            {
                await AnswerAsync(node, service, name, request);
                return Status.DefaultSuccess;
            }
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            using var call = node.Cri.Channel.CreateCallInvoker().AsyncServerStreamingCall(Method(service, name, streaming), null, new CallOptions(), request);
            while (await call.ResponseStream.MoveNext(limit.Token))
            {
            }
            return Status.DefaultSuccess;
        }
        catch (RpcException e)
        {
            // A stream that has nothing to tell yet is as good as an answer.
            return e.StatusCode is StatusCode.Cancelled ? Status.DefaultSuccess : e.Status;
        }
    }
}
