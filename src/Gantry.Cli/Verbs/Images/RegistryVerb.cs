using System.CommandLine;
using System.Text.Json.Nodes;
using Gantry.Api;
using Gantry.Cli.Options;
using Gantry.Cli.Output;

namespace Gantry.Cli.Verbs.Images;

/// <summary>`gantry registry explain`: which servers an image is asked of, and why.</summary>
internal static class RegistryVerb
{
    public static Command Create(GlobalOptions global)
    {
        var registry = new Command("registry", "Look at how registries are reached.");
        var command = new Command("explain", "Show which servers an image is asked of, in which order, with which credentials, and why.");
        registry.Subcommands.Add(command);
        var image = new Argument<string>("image") { Description = "The image's name." };
        command.Arguments.Add(image);
        var output = OutputOptions.AddSingle(command);
        global.Attach(command, GlobalOptions.QuickLimit, async (session, parsed) =>
        {
            var answer = await session.Node.ImageStore.ExplainRegistryAsync(new ExplainRegistryRequest { Image = parsed.GetRequiredValue(image) }, cancellationToken: session.Cancel);
            var format = output.Of(parsed);
            if (format is OutputFormat.Json or OutputFormat.Yaml)
                Document.Write(session.Screen, format, ToJson(answer));
            else
                WriteText(session.Screen, answer);
            return ExitCode.Ok;
        });
        return registry;
    }

    private static void WriteText(Screen screen, ExplainRegistryResponse answer)
    {
        screen.Out.WriteLine(PlainText.Of(answer.Image));
        for (var n = 0; n < answer.Hosts.Count; n++)
        {
            var host = answer.Hosts[n];
            screen.Out.WriteLine(PlainText.Of($"{n + 1}. {host.Url}, repository {host.Repository} ({host.Role}: {string.Join(", ", host.Capabilities)})"));
            screen.Out.WriteLine(PlainText.Of($"   because of {host.Reason}"));
            screen.Out.WriteLine(PlainText.Of($"   credentials: {host.Credentials}"));
            foreach (var note in host.Notes)
                screen.Out.WriteLine(PlainText.Of($"   {note}"));
        }
    }

    private static JsonObject ToJson(ExplainRegistryResponse answer) => new()
    {
        ["image"] = answer.Image,
        ["hosts"] = new JsonArray([.. answer.Hosts.Select(host => (JsonNode)new JsonObject
        {
            ["url"] = host.Url,
            ["role"] = host.Role,
            ["repository"] = host.Repository,
            ["capabilities"] = new JsonArray([.. host.Capabilities.Select(capability => JsonValue.Create(capability))]),
            ["credentials"] = host.Credentials,
            ["reason"] = host.Reason,
            ["notes"] = new JsonArray([.. host.Notes.Select(note => JsonValue.Create(note))]),
        })]),
    };
}
