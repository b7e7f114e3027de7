using System.CommandLine;
using System.Text.Json.Nodes;
using Gantry.Api;
using Gantry.Cli.Options;
using Gantry.Cli.Output;

namespace Gantry.Cli.Verbs.Images;

/// <summary>`gantry image du` and `gantry system df`: what images take.</summary>
internal static class UsageVerb
{
    private static readonly Listing<ImageSpace> _images = new(
        [
            new("IMAGE", row => row.Names.Count > 0 ? HumanText.Image(row.Names[0]) : "<none>"),
            new("IMAGE ID", row => HumanText.ShortId(row.Id), _ => Tone.Faint),
            new("COMPRESSED", row => HumanText.Size(row.BlobBytes), RightAligned: true),
            new("UNPACKED", row => HumanText.Size(row.TreeBytes), RightAligned: true),
            new("SHARED", row => HumanText.Size(row.SharedBytes), RightAligned: true),
            new("FREED BY RMI", row => HumanText.Size(row.FreedBytes), RightAligned: true),
            new("USED", row => row.Used ? "yes" : "", _ => Tone.Good),
        ],
        row => new JsonObject
        {
            ["id"] = row.Id,
            ["names"] = new JsonArray([.. row.Names.Select(name => JsonValue.Create(name))]),
            ["blobBytes"] = row.BlobBytes,
            ["treeBytes"] = row.TreeBytes,
            ["sharedBytes"] = row.SharedBytes,
            ["freedBytes"] = row.FreedBytes,
            ["used"] = row.Used,
            ["pinned"] = row.Pinned,
            ["trust"] = row.Trust,
        },
        row => row.Id);

    public static Command CreateOfImages(GlobalOptions global)
    {
        var command = new Command("du", "Show what each image takes, shares, and would free.");
        var output = OutputOptions.AddListing(command);
        global.Attach(command, GlobalOptions.QuickLimit, async (session, parsed) =>
        {
            var usage = await session.Node.ImageStore.ImageUsageAsync(new ImageUsageRequest(), cancellationToken: session.Cancel);
            _images.Write(session.Screen, output.Of(parsed), [.. usage.Images.OrderByDescending(image => image.FreedBytes)]);
            return ExitCode.Ok;
        });
        return command;
    }

    public static Command CreateOfSystem(GlobalOptions global)
    {
        var system = new Command("system", "Look at the node as a whole.");
        var command = new Command("df", "Show what images take together, and what is free.");
        system.Subcommands.Add(command);
        var output = OutputOptions.AddSingle(command);
        global.Attach(command, GlobalOptions.QuickLimit, async (session, parsed) =>
        {
            var usage = await session.Node.ImageStore.ImageUsageAsync(new ImageUsageRequest(), cancellationToken: session.Cancel);
            var unused = usage.Images.Where(image => !image.Used && !image.Pinned).Sum(image => image.FreedBytes);
            var facts = new Facts()
                .Add("images", "Images", usage.Images.Count)
                .Add("blobBytes", "Compressed blobs", usage.BlobBytes, HumanText.Size(usage.BlobBytes))
                .Add("treeBytes", "Unpacked layers", usage.TreeBytes, HumanText.Size(usage.TreeBytes))
                .Add("inodes", "Files", usage.Inodes)
                .Add("unusedBytes", "Of unused images", unused, $"{HumanText.Size(unused)}: 'gantry image prune --all' frees it")
                .Add("unneededBytes", "Of no image", usage.UnneededBytes, HumanText.Size(usage.UnneededBytes))
                .Add("freeBytes", usage.Disks.Count > 1 ? "" : "Free on the disk", usage.FreeBytes, $"{HumanText.Size(usage.FreeBytes)} of {HumanText.Size(usage.TotalBytes)}")
                .Add("totalBytes", "", usage.TotalBytes);
            facts.Add("disks", "", new JsonArray([.. usage.Disks.Select(disk => new JsonObject
            {
                ["mountPoint"] = disk.MountPoint,
                ["holds"] = disk.Holds,
                ["freeBytes"] = disk.FreeBytes,
                ["totalBytes"] = disk.TotalBytes,
            })]));
            foreach (var disk in usage.Disks.Where(_ => usage.Disks.Count > 1))
                facts.Add("disks", $"Free for {disk.Holds}", null, $"{HumanText.Size(disk.FreeBytes)} of {HumanText.Size(disk.TotalBytes)} at {disk.MountPoint}");
            facts.Write(session.Screen, output.Of(parsed));
            return ExitCode.Ok;
        });
        return system;
    }
}
