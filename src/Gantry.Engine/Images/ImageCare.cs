using System.Text.Json;
using System.Text.Json.Nodes;
using Gantry.Faults;
using Gantry.Images.Archives;
using Gantry.Images.Checking;
using Gantry.Images.Store;
using Gantry.Linux;
using Gantry.Persistence;
using Microsoft.Extensions.Logging;

namespace Gantry.Images;

/// <summary>What is done for images without being asked.</summary>
/// <param name="ImportDirectory">Archives for a node without a registry; empty for none.</param>
/// <param name="ScrubEvery">Zero for never.</param>
/// <param name="ScrubRate">Null for as fast as it goes.</param>
public sealed record ImageCareOptions(string ImportDirectory, TimeSpan ScrubEvery, RateLimit? ScrubRate);

/// <summary>
/// The background work on images: imports the archives of the import directory at start, deletes every hour what failed pulls
/// have left, and verifies everything in the interval that is configured. One thing at a time, and none of it in a hurry.
/// </summary>
public sealed class ImageCare(
    ImageCareOptions options, NodePaths paths, ImageImporter importer, ImageChecker checker, ImageCollector collector, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan _round = TimeSpan.FromHours(1);
    private static readonly TimeSpan _soon = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan _least = TimeSpan.FromMilliseconds(1);

    private string StatePath => $"{paths.Images}/imported.json";

    /// <summary>Its time is when the last scrub ended.</summary>
    private string StampPath => $"{paths.Images}/scrubbed";

    /// <summary>Works until the token ends it.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            await ImportAsync(cancel);
            var due = FirstScrub();
            var waiting = time.GetTimestamp();
            while (true)
            {
                var left = due - time.GetElapsedTime(waiting);
                await Task.Delay(new TimeSpan(Math.Clamp(left.Ticks, _least.Ticks, _round.Ticks)), time, cancel);
                await TryAsync("collect", () => collector.CollectAsync(withRecent: false));
                if (time.GetElapsedTime(waiting) < due)
                    continue;
                await TryAsync("scrub", () => ScrubAsync(cancel));
                (due, waiting) = (options.ScrubEvery, time.GetTimestamp());
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // The daemon stops.
        }
    }

    /// <summary>Imports and pins the archives that were not imported before, or have changed since.</summary>
    internal async Task ImportAsync(CancellationToken cancel)
    {
        if (options.ImportDirectory.Length == 0 || !Directory.Exists(options.ImportDirectory))
            return;
        var done = ReadState();
        foreach (var path in Directory.EnumerateFiles(options.ImportDirectory).Order(StringComparer.Ordinal))
        {
            var file = new FileInfo(path);
            var mark = $"{file.Length} {file.LastWriteTimeUtc.Ticks}";
            // What was removed since is imported again: the directory says what the node is to have.
            if (file.Name.StartsWith('.') || ((string?)done[file.Name]?["file"] == mark && (done[file.Name]?["images"] as JsonArray ?? []).All(id => importer.IsHere((string?)id ?? ""))))
                continue;
            try
            {
                await using var archive = File.OpenRead(path);
                var images = await importer.ImportAsync(archive, new ImportOptions("", Pin: true), cancel);
                done[file.Name] = new JsonObject { ["file"] = mark, ["images"] = new JsonArray([.. images.Select(image => (JsonNode)image.Id.Value)]) };
                AtomicFile.Write(StatePath, JsonBytes.Of(done));
            }
            catch (Exception e) when (e is GantryException or IOException or SyscallException or UnauthorizedAccessException)
            {
                // The other archives are still worth having.
                log.ImportFailed(path, e);
            }
        }
    }

    /// <summary>
    /// From now: where the last one ended before this daemon began, the rest of the interval, or a daemon that is restarted
    /// more often than that would never come to it.
    /// </summary>
    private TimeSpan FirstScrub()
    {
        if (options.ScrubEvery == TimeSpan.Zero)
            return TimeSpan.MaxValue;
        var left = File.Exists(StampPath) ? File.GetLastWriteTimeUtc(StampPath) + options.ScrubEvery - time.GetUtcNow().UtcDateTime : options.ScrubEvery;
        // Not while a node starts; and no clock that was set can put it off.
        var soon = options.ScrubEvery < _soon ? options.ScrubEvery : _soon;
        return new TimeSpan(Math.Clamp(left.Ticks, soon.Ticks, options.ScrubEvery.Ticks));
    }

    private async Task ScrubAsync(CancellationToken cancel)
    {
        var (problems, repaired) = (0, 0);
        var summary = await checker.RunAsync(repair: true, options.ScrubRate, finding =>
        {
            problems++;
            repaired += finding.IsRepaired ? 1 : 0;
            return Task.CompletedTask;
        }, cancel);
        log.Scrubbed(summary.Blobs, summary.Trees, problems, repaired);
        AtomicFile.Write(StampPath, []);
        File.SetLastWriteTimeUtc(StampPath, time.GetUtcNow().UtcDateTime);
    }

    private JsonObject ReadState()
    {
        try
        {
            return File.Exists(StatePath) && JsonNode.Parse(File.ReadAllBytes(StatePath)) is JsonObject state ? state : [];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Importing once more does no harm.
            return [];
        }
    }

    private async Task TryAsync(string what, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e) when (e is GantryException or IOException or SyscallException)
        {
            log.CareFailed(what, e);
        }
    }
}
