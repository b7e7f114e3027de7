using System.CommandLine;
using System.Globalization;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Cli.Output;
using Gantry.Cli.Statistics;

namespace Gantry.Cli.Verbs;

/// <summary>`gantry stats`: what running containers use, once or again and again, from any CRI server.</summary>
internal static class StatsVerb
{
    private static readonly TimeSpan _shortest = TimeSpan.FromMilliseconds(200);

    public static Command Create(GlobalOptions global, CompletionNames names)
    {
        var command = new Command("stats", "Show what running containers use.");
        var targets = new Argument<string[]>("name") { Arity = ArgumentArity.ZeroOrMore, Description = "Pods or containers; all of them by default." };
        targets.CompletionSources.Add(_ => names.PodsAndContainers);
        var watch = new Option<bool>("--watch", "-w") { Description = "Go on until interrupted: a live table, or with -o json one line a container." };
        var interval = new Option<TimeSpan?>("--interval")
        {
            Description = "Between two samples. Default: 2s.",
            HelpName = "duration",
            CustomParser = Duration.ParseOption,
        };
        command.Arguments.Add(targets);
        command.Options.Add(watch);
        command.Options.Add(interval);
        var output = OutputOptions.AddListing(command);
        global.Attach(command, fallbackLimit: null, async (session, parsed) =>
        {
            var reader = new StatisticsReader(session, parsed.GetValue(targets) ?? []);
            var pause = parsed.GetValue(interval) ?? TimeSpan.FromSeconds(2);
            if (pause < _shortest)
                throw CommandException.Usage($"--interval must be {Duration.Show(_shortest)} or more.");
            if (parsed.GetValue(watch))
                await WatchAsync(session, reader, output.Of(parsed), pause);
            else
                Listing.Write(session.Screen, output.Of(parsed), await ReadOnceAsync(session, reader));
            return ExitCode.Ok;
        });
        return command;
    }

    private static Listing<ContainerSample> Listing { get; } = new(
        [
            new("CONTAINER ID", one => HumanText.ShortId(one.Container.Id), _ => Tone.Faint),
            new("POD", one => one.Pod.Namespace == "default" ? one.Pod.Name : one.Pod.FullName),
            new("NAME", one => one.Container.Name),
            new("CORES", one => one.Cores?.ToString("0.000", CultureInfo.InvariantCulture) ?? "-", RightAligned: true),
            new("MEMORY", one => Size(one.Stats.Memory?.WorkingSetBytes?.Value), RightAligned: true),
            new("LIMIT", one => Size(one.MemoryLimit), RightAligned: true),
            new("SWAP", one => Size(one.Stats.Swap?.SwapUsageBytes?.Value), RightAligned: true),
            new("DISK", one => Size(one.Stats.WritableLayer?.UsedBytes?.Value), RightAligned: true),
            new("FILES", one => one.Stats.WritableLayer?.InodesUsed?.Value.ToString(CultureInfo.InvariantCulture) ?? "-", RightAligned: true),
        ],
        one => one.ToJson(),
        one => one.Container.Id);

    /// <summary>A rate needs two samples; a server that has kept one of its own is asked once.</summary>
    private static async Task<IReadOnlyList<ContainerSample>> ReadOnceAsync(Session session, StatisticsReader reader)
    {
        var samples = await reader.ReadAsync();
        if (samples.All(sample => sample.Cores is not null))
            return samples;
        await Task.Delay(TimeSpan.FromSeconds(1), session.Screen.Time, session.Cancel);
        return await reader.ReadAsync();
    }

    private static async Task WatchAsync(Session session, StatisticsReader reader, OutputFormat format, TimeSpan pause)
    {
        while (!session.Screen.IsReaderGone)
        {
            var samples = await reader.ReadAsync();
            if (format == OutputFormat.Json)
            {
                foreach (var sample in samples)
                    JsonLine.Write(session.Screen, sample.ToJson());
            }
            else
            {
                // Home, and clear what is below; without a terminal one table follows the other.
                if (session.Screen.OutputIsTerminal)
                    session.Screen.Out.Write("\u001b[H\u001b[J");
                Listing.Write(session.Screen, format, samples);
            }
            session.Screen.Flush();
            await Task.Delay(pause, session.Screen.Time, session.Cancel);
        }
    }

    private static string Size(ulong? bytes) => bytes is { } known ? HumanText.Size(known) : "-";
}
