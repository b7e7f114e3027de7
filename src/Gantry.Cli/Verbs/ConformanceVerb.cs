using System.CommandLine;
using System.Globalization;
using System.IO.Enumeration;
using System.Text.Json.Nodes;
using Gantry.Cli.Connection;
using Gantry.Cli.Options;
using Gantry.Cli.Output;
using Gantry.Conformance;

namespace Gantry.Cli.Verbs;

/// <summary>
/// `gantry conformance`: tries the CRI's behaviours on a server, and on a second one beside it. It makes pods and containers
/// of its own, and takes them away again.
/// </summary>
internal static class ConformanceVerb
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);

    public static Command Create(GlobalOptions global)
    {
        var command = new Command("conformance", "Try the CRI's behaviours on a runtime, or on two side by side.");
        var only = new Option<string[]>("--only") { Description = "Specs by id, with wildcards: 'exec/*'. May be given again.", HelpName = "pattern" };
        var list = new Option<bool>("--list") { Description = "Print the specs instead of running them." };
        var against = new Option<string?>("--against") { Description = "A second runtime's socket: run each spec on both and show where they differ.", HelpName = "unix:///path" };
        var known = new Option<string?>("--known") { Description = "A file of 'ID reason' lines: specs that this runtime is known to fail.", HelpName = "file" };
        var parallel = new Option<int>("--parallel") { Description = "Specs at a time.", DefaultValueFactory = _ => 4, HelpName = "n" };
        var machine = MachineOptions.Add(command);
        foreach (var option in new Option[] { only, list, against, known, parallel })
            command.Options.Add(option);
        var output = OutputOptions.AddListing(command);
        global.Attach(command, fallbackLimit: null, async (session, parsed) =>
        {
            var specs = Choose(parsed.GetValue(only) ?? []);
            var format = output.Of(parsed);
            if (parsed.GetValue(list))
            {
                _specs.Write(session.Screen, format, specs);
                return ExitCode.Ok;
            }
            var report = new ConformanceReport(session.Screen, format, LoadKnown(parsed.GetValue(known)));
            var settings = machine.Of(parsed);
            await RunAsync(session.Node.Endpoint, specs, settings, parsed.GetValue(parallel), report, session.Cancel);
            if (parsed.GetValue(against) is { } second)
                await RunAsync(Endpoint.Parse(second, "--against"), specs, settings, parsed.GetValue(parallel), report, session.Cancel);
            return report.Finish();
        });
        return command;
    }

    private static readonly Listing<Spec> _specs = new(
        [new("SPEC", spec => spec.Id), new("BEHAVIOUR", spec => spec.Behaviour)],
        spec => new JsonObject { ["id"] = spec.Id, ["behaviour"] = spec.Behaviour },
        spec => spec.Id);

    private static List<Spec> Choose(string[] patterns)
    {
        foreach (var pattern in patterns)
        {
            if (!SpecCatalog.All.Any(spec => FileSystemName.MatchesSimpleExpression(pattern, spec.Id)))
                throw CommandException.Usage($"no spec's id matches '{pattern}'; see gantry conformance --list.");
        }
        return [.. SpecCatalog.All.Where(spec => patterns.Length == 0 || patterns.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, spec.Id)))];
    }

    private static KnownFailures LoadKnown(string? path)
    {
        try
        {
            return path is null ? KnownFailures.None : KnownFailures.Load(path);
        }
        catch (FormatException e)
        {
            throw CommandException.Usage(e.Message);
        }
    }

    private static async Task RunAsync(
        Endpoint endpoint, IReadOnlyList<Spec> specs, SpecSettings settings, int parallel, ConformanceReport report, CancellationToken cancel)
    {
        using var cri = new CriConnection(endpoint.SocketPath);
        var version = await cri.Runtime.VersionAsync(new Cri.Api.VersionRequest(), cancellationToken: cancel);
        report.Begin(endpoint, string.Create(CultureInfo.InvariantCulture, $"{version.RuntimeName} {version.RuntimeVersion}"), specs.Count);
        await foreach (var outcome in new SpecRunner(cri, settings, _limit).RunAllAsync(specs, parallel, cancel))
            report.Add(outcome);
    }

    /// <summary>What the specs must be told of this machine.</summary>
    private sealed record MachineOptions(
        Option<string> Handler, Option<string> Registry, Option<string> Folder, Option<string> CgroupParent, Option<string> NetworkNamespace)
    {
        public static MachineOptions Add(Command command)
        {
            var options = new MachineOptions(
                Text("--handler", "The RuntimeClass handler of the pods; without it the runtime's default.", "", "name"),
                Text("--registry", "Where the test images are.", "docker.io", "host"),
                Text("--folder", "A folder for logs and host paths, on a real file system.", "/var/tmp", "path"),
                Text("--cgroup-parent", "In which pods' cgroups are made; without it the runtime's own choice.", "", "path"),
                Text("--network-namespace", "In which the pods' addresses are reached; without it this shell's.", "", "path"));
            foreach (var option in new[] { options.Handler, options.Registry, options.Folder, options.CgroupParent, options.NetworkNamespace })
                command.Options.Add(option);
            return options;
        }

        public SpecSettings Of(ParseResult parsed) => new()
        {
            Folder = Path.GetFullPath(parsed.GetRequiredValue(Folder)),
            Handler = parsed.GetRequiredValue(Handler),
            CgroupParent = parsed.GetRequiredValue(CgroupParent),
            Registry = parsed.GetRequiredValue(Registry),
            NetworkNamespace = parsed.GetRequiredValue(NetworkNamespace),
        };

        private static Option<string> Text(string name, string description, string fallback, string help) =>
            new(name) { Description = description, DefaultValueFactory = _ => fallback, HelpName = help };
    }
}
