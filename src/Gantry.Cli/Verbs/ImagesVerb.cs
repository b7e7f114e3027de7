using System.CommandLine;
using System.Text.Json.Nodes;
using Gantry.Cli.Options;
using Gantry.Cli.Output;
using Gantry.Cri.Api;

namespace Gantry.Cli.Verbs;

/// <summary>`gantry images`: a row for each name; an image of several names has several rows, one without a name has one.</summary>
internal static class ImagesVerb
{
    private static readonly Listing<NamedImage> _listing = new(
        [
            new("IMAGE", row => row.Name.Length > 0 ? HumanText.Image(row.Name) : "<none>"),
            new("IMAGE ID", row => HumanText.ShortId(row.Image.Id), _ => Tone.Faint),
            new("SIZE", row => HumanText.Size(row.Image.Size), RightAligned: true),
            new("PINNED", row => row.Image.Pinned ? "yes" : "", _ => Tone.Faint),
        ],
        row => ToJson(row.Image),
        row => row.Image.Id);

    public static Command Create(GlobalOptions global)
    {
        var command = new Command("images", "List images.");
        var output = OutputOptions.AddListing(command);
        global.Attach(command, GlobalOptions.QuickLimit, async (session, parsed) =>
        {
            var answer = await session.Node.Images.ListImagesAsync(new ListImagesRequest(), cancellationToken: session.Cancel);
            var format = output.Of(parsed);
            var rows = format == OutputFormat.Table
                ? answer.Images.SelectMany(NamesOf).OrderBy(row => row.Name, StringComparer.Ordinal)
                : answer.Images.Select(image => new NamedImage("", image)).OrderBy(row => row.Image.Id, StringComparer.Ordinal);
            _listing.Write(session.Screen, format, rows.ToList());
            return ExitCode.Ok;
        });
        return command;
    }

    private static IEnumerable<NamedImage> NamesOf(Image image) => image.RepoTags.Count switch
    {
        > 0 => image.RepoTags.Select(tag => new NamedImage(tag, image)),
        _ => [new NamedImage(image.RepoDigests.Count > 0 ? image.RepoDigests[0].Split('@')[0] + "@<none>" : "", image)],
    };

    private static JsonObject ToJson(Image image) => new()
    {
        ["id"] = image.Id,
        ["tags"] = new JsonArray([.. image.RepoTags.Select(tag => JsonValue.Create(tag))]),
        ["digests"] = new JsonArray([.. image.RepoDigests.Select(digest => JsonValue.Create(digest))]),
        ["size"] = image.Size,
        ["user"] = image.Username.Length > 0 ? image.Username : image.Uid?.Value.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ["pinned"] = image.Pinned,
    };

    private sealed record NamedImage(string Name, Image Image);
}
