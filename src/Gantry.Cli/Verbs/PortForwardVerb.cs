using System.CommandLine;
using System.Net;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Cli.Streaming;
using Gantry.Cri.Api;
using Gantry.Spdy;

namespace Gantry.Cli.Verbs;

/// <summary>`gantry port-forward POD LOCAL:REMOTE...`: until Ctrl-C, ports of this machine lead to the pod's localhost.</summary>
internal static class PortForwardVerb
{
    private static readonly SpdyLimits _limits = new() { StreamBuffer = 256 << 10, StallLimit = TimeSpan.FromSeconds(30) };

    public static Command Create(GlobalOptions global, CompletionNames names)
    {
        var command = new Command("port-forward", "Lead ports of this machine to a pod: gantry port-forward web 8080:80");
        var target = new Argument<string>("pod") { Description = "A pod." };
        target.CompletionSources.Add(_ => names.Pods);
        var ports = new Argument<string[]>("ports") { Arity = ArgumentArity.OneOrMore, Description = "LOCAL:REMOTE, REMOTE for the same on both sides, or :REMOTE for any free local port." };
        var addresses = new Option<string[]>("--address")
        {
            Description = "Where to listen. Default: 127.0.0.1 and ::1.",
            HelpName = "ip",
            DefaultValueFactory = _ => [IPAddress.Loopback.ToString(), IPAddress.IPv6Loopback.ToString()],
        };
        command.Arguments.Add(target);
        command.Arguments.Add(ports);
        command.Options.Add(addresses);
        var tls = StreamOptions.Add(command);
        global.Attach(command, fallbackLimit: null, async (session, parsed) =>
        {
            var asked = parsed.GetRequiredValue(ports).Select(PortSpec.Parse).ToList();
            var listen = parsed.GetRequiredValue(addresses).Select(ParseAddress).ToList();
            var inventory = await Inventory.ReadAsync(session.Node, session.Cancel);
            var name = parsed.GetRequiredValue(target);
            var pod = inventory.FindPod(name) ?? throw CommandException.NotFound($"pod {name} not found; see 'gantry pods'.");
            return await RunAsync(session, pod, asked, listen, tls.Of(parsed));
        });
        return command;
    }

    private static async Task<int> RunAsync(Session session, NodePod pod, List<PortSpec> ports, List<IPAddress> addresses, StreamTls tls)
    {
        await using var forwarder = new PortForwarder(() => ConnectAsync(session, pod, tls), session.Screen.Note);
        var remotes = new List<int>();
        foreach (var port in ports)
        {
            foreach (var end in forwarder.Listen(port, addresses))
            {
                remotes.Add(port.Remote);
                session.Screen.Out.WriteLine($"{end} -> {pod.Name}:{port.Remote}");
            }
        }
        session.Screen.Flush();
        try
        {
            await forwarder.RunAsync(remotes, session.Cancel);
            return ExitCode.Ok;
        }
        catch (StreamUnreachableException failure)
        {
            throw CommandException.Failed(failure.Message, failure);
        }
    }

    private static async Task<SpdyConnection> ConnectAsync(Session session, NodePod pod, StreamTls tls)
    {
        var answer = await session.Node.Runtime.PortForwardAsync(new PortForwardRequest { PodSandboxId = pod.Id }, cancellationToken: session.Cancel);
        return await SpdyUpgrade.ConnectAsync(new Uri(answer.Url), PortForwarder.Protocol, _limits, tls, session.Cancel);
    }

    private static IPAddress ParseAddress(string text) =>
        IPAddress.TryParse(text, out var address) ? address : throw CommandException.Usage($"--address '{text}' is no IP address.");
}
