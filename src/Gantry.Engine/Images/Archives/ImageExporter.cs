using System.Text.Json.Nodes;
using Gantry.Faults;
using Gantry.Images.Store;

namespace Gantry.Images.Archives;

/// <summary>The format of an image archive.</summary>
public enum ArchiveFormat
{
    /// <summary>An OCI image layout in a tar; also readable as a Docker archive, since that is one more document.</summary>
    Oci,

    /// <summary>As docker save writes it.</summary>
    Docker,
}

/// <summary>Writes images as one tar archive, front to back: nothing is copied to the disk for it.</summary>
public sealed class ImageExporter(ImageStore images)
{
    /// <summary>Writes images with all of their blobs, each once.</summary>
    /// <param name="names">Ids or names; a name that is given is the only one that the archive has for that image.</param>
    /// <exception cref="NotFoundException">There is no such image.</exception>
    public async Task ExportAsync(IReadOnlyList<string> names, ArchiveFormat format, Stream output, CancellationToken cancel)
    {
        var uses = new List<ImageUse>();
        try
        {
            foreach (var name in names)
                uses.Add(images.Use(name) ?? throw new NotFoundException($"image {name} is not on this node"));
            var chosen = uses.Zip(names).Select(pair => Chosen(pair.First.Image, pair.Second)).ToList();
            var tar = new TarWriter(output);
            if (format is ArchiveFormat.Oci)
            {
                await tar.FileAsync(ImageLayout.VersionFile, System.Text.Encoding.ASCII.GetBytes(ImageLayout.Version), cancel);
                await tar.FileAsync(ImageLayout.IndexFile, ImageLayout.Write(chosen, []), cancel);
            }
            await tar.FileAsync("manifest.json", JsonBytes.Of(DockerManifest(chosen)), cancel);
            await tar.DirectoryAsync("blobs", cancel);
            await tar.DirectoryAsync("blobs/sha256", cancel);
            foreach (var (digest, size) in chosen.SelectMany(image => Blobs(image, format)).Distinct())
            {
                await using var blob = File.OpenRead(images.BlobPath(digest));
                await tar.FileAsync($"blobs/{digest.Algorithm}/{digest.Hex}", blob, size, cancel);
            }
            await tar.EndAsync(cancel);
        }
        finally
        {
            foreach (var use in uses)
                use.Dispose();
        }
    }

    /// <summary>The image with the name that was asked for alone; with all of its tags where it was asked for by id.</summary>
    private static ImageRecord Chosen(ImageRecord image, string asked)
    {
        var reference = ImageReference.TryParse(asked, out _);
        var named = image.Names.Where(name => name.Text == reference?.ToString()).ToList();
        return image with { Names = named.Count > 0 ? named : [.. image.Names.Where(name => !name.IsDigest)], Pinned = false, Private = false, Trust = "" };
    }

    private static IEnumerable<(Identity.Digest Digest, long Size)> Blobs(ImageRecord image, ArchiveFormat format) =>
        format is ArchiveFormat.Oci ? image.Blobs : image.Layers.Select(layer => (layer.Digest, layer.Size)).Append((image.ConfigBlob.Digest, image.ConfigBlob.Size));

    /// <summary>What docker load reads (moby, image/tarexport): layers may be compressed, and be named as they are in a layout.</summary>
    private static JsonArray DockerManifest(IEnumerable<ImageRecord> chosen) => new([.. chosen.Select(image => (JsonNode)new JsonObject
    {
        ["Config"] = Path(image.ConfigBlob.Digest),
        ["RepoTags"] = new JsonArray([.. image.Names.Where(name => !name.IsDigest).Select(name => (JsonNode)Familiar(name.Text))]),
        ["Layers"] = new JsonArray([.. image.Layers.Select(layer => (JsonNode)Path(layer.Digest))]),
    })]);

    private static string Path(Identity.Digest digest) => $"blobs/{digest.Algorithm}/{digest.Hex}";

    /// <summary>Docker's tools expect Docker Hub's images under the names that people type.</summary>
    private static string Familiar(string name) =>
        name.StartsWith("docker.io/library/", StringComparison.Ordinal) ? name["docker.io/library/".Length..]
        : name.StartsWith("docker.io/", StringComparison.Ordinal) ? name["docker.io/".Length..] : name;
}
