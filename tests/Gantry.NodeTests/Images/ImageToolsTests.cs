using System.Globalization;
using System.Text.Json.Nodes;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Images;

/// <summary>The image verbs of the command line, and what skopeo and umoci make of what they write.</summary>
public sealed class ImageToolsTests(NodeNetwork network)
{
    private const string Nginx = "docker.io/library/nginx:1.19.10";
    private const string Busybox = "docker.io/library/busybox:latest";

    [Fact]
    public async Task Layout_IsReadBySkopeoAndUmoci()
    {
        await using var node = await GantryNode.StartAsync(network);
        var id = Ok(node, "pull", "-q", Nginx).Trim();

        var inspected = JsonNode.Parse(Shell.Run("skopeo", "inspect", "--config", $"oci:{node.Directory}/root/images:{Nginx}"))!;
        var listed = Shell.Run("umoci", "ls", "--layout", $"{node.Directory}/root/images");

        Assert.Equal("amd64", (string?)inspected["architecture"]);
        Assert.Contains(Nginx, listed, StringComparison.Ordinal);
        Assert.StartsWith("sha256:", id, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("oci", "oci-archive")]
    [InlineData("docker", "docker-archive")]
    public async Task Save_ArchiveOfEachFormat_IsReadBySkopeoAndLoadedAgain(string format, string transport)
    {
        await using var node = await GantryNode.StartAsync(network);
        var id = Ok(node, "pull", "-q", Nginx).Trim();
        var archive = $"{node.Directory}/{format}.tar";
        Ok(node, "image", "save", "--format", format, "--to", archive, Nginx);

        Shell.Run("skopeo", "copy", "--insecure-policy", "-q", $"{transport}:{archive}", $"dir:{node.Directory}/{format}");
        await node.Images.RemoveImageAsync(new RemoveImageRequest { Image = new ImageSpec { Image = id } });
        var loaded = Ok(node, "image", "load", archive);

        Assert.Contains(id, loaded, StringComparison.Ordinal);
        Assert.Contains(Nginx, loaded, StringComparison.Ordinal);
        Assert.Contains("all whole", Ok(node, "fsck"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("oci-archive")]
    [InlineData("docker-archive")]
    public async Task Load_ArchiveThatSkopeoWrote_IsTheSameImage(string transport)
    {
        await using var node = await GantryNode.StartAsync(network);
        var archive = $"{node.Directory}/skopeo.tar";
        network.Inside("skopeo", "copy", "--insecure-policy", "-q", "--src-tls-verify=false", "docker://127.0.0.1:5000/library/nginx:1.19.10", $"{transport}:{archive}:{Nginx}");
        Shell.Run("gzip", archive);

        Assert.Contains(Nginx, Ok(node, "image", "load", archive + ".gz"), StringComparison.Ordinal);

        var image = (await node.Images.ImageStatusAsync(new ImageStatusRequest { Image = new ImageSpec { Image = Nginx } })).Image;
        Assert.Equal(Ok(node, "pull", "-q", Nginx).Trim(), image.Id);
    }

    [Fact]
    public async Task Save_ToFoldersAndBack_IsTheSameImage()
    {
        await using var node = await GantryNode.StartAsync(network);
        var id = Ok(node, "pull", "-q", Nginx).Trim();
        foreach (var format in new[] { "oci-dir", "docker-dir" })
        {
            Ok(node, "image", "save", "--format", format, "--to", $"{node.Directory}/{format}", Nginx);
            Ok(node, "rmi", id);
            Assert.Contains(id, Ok(node, "image", "load", $"{node.Directory}/{format}"), StringComparison.Ordinal);
        }
        Shell.Run("skopeo", "inspect", $"oci:{node.Directory}/oci-dir:{Nginx}");
    }

    [Fact]
    public async Task Usage_PruneAndPin_TellAndDoWhatTheySay()
    {
        await using var node = await GantryNode.StartAsync(network);
        Ok(node, "pull", "-q", Nginx);
        Ok(node, "pull", "-q", Busybox);
        Ok(node, "image", "tag", Busybox, "example.test/box:1");
        Ok(node, "image", "pin", "example.test/box:1");

        var rows = JsonNode.Parse(Ok(node, "image", "du", "-o", "json"))!.AsArray();
        var before = Used(node);
        Assert.Contains(Nginx, Ok(node, "image", "prune", "--all"), StringComparison.Ordinal);
        var freed = (long)rows.Single(row => row!["names"]!.AsArray().Any(name => (string?)name == Nginx))!["freedBytes"]!;

        Assert.Equal(before - freed, Used(node));
        Assert.True((await node.Images.ImageStatusAsync(new ImageStatusRequest { Image = new ImageSpec { Image = Busybox } })).Image.Pinned);
        Assert.Contains("example.test/box:1", Ok(node, "image", "inspect", Busybox), StringComparison.Ordinal);
        Ok(node, "image", "unpin", Busybox);
        Ok(node, "image", "prune", "-a");
        Assert.Equal(0, Used(node));
        Assert.Empty((await node.Images.ListImagesAsync(new ListImagesRequest())).Images);
    }

    [Fact]
    public async Task Check_ChangedFileAndDeletedBlob_AreRepaired()
    {
        await using var node = await GantryNode.StartAsync(network);
        Ok(node, "pull", "-q", Nginx);
        var page = Directory.EnumerateFiles($"{node.Directory}/root/snapshots", "index.html", SearchOption.AllDirectories).First();
        File.WriteAllText(page, "damaged");
        var blob = new DirectoryInfo($"{node.Directory}/root/images/blobs/sha256").EnumerateFiles().OrderByDescending(file => file.Length).ElementAt(1);
        blob.Delete();

        var (code, found) = node.Gantry("fsck");
        var (repairCode, repaired) = node.Gantry("fsck", "--repair");

        Assert.True(code == 1, found);
        Assert.Contains("index.html", found, StringComparison.Ordinal);
        Assert.Contains(blob.Name, found, StringComparison.Ordinal);
        Assert.True(repairCode == 0, repaired);
        Assert.Contains("all whole", Ok(node, "fsck"), StringComparison.Ordinal);
        Assert.Contains("Welcome", File.ReadAllText(page), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_TellsOrderCredentialsAndReason()
    {
        await using var node = await GantryNode.StartAsync(network, prepare: prepared => Configure(prepared, """
            [registry.auth."127.0.0.1:5000"]
            username = "mirrored"
            password = "s3cret"
            """));

        var text = Ok(node, "registry", "explain", "nginx");

        var lines = text.Split('\n');
        Assert.Equal("docker.io/library/nginx:latest", lines[0]);
        Assert.StartsWith("1. http://127.0.0.1:5000, repository library/nginx (mirror", lines[1], StringComparison.Ordinal);
        Assert.Contains("_default/hosts.toml", text, StringComparison.Ordinal);
        Assert.Contains("user mirrored", text, StringComparison.Ordinal);
        Assert.Contains("2. https://registry-1.docker.io", text, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", text + node.ReadLog(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Share_SecondNodeAndSkopeo_PullFromTheFirst()
    {
        await using var first = await GantryNode.StartAsync(network, prepare: prepared => Configure(prepared, "[registry]\nshare_listen = \"127.0.0.1:5001\"\n"));
        var id = Ok(first, "pull", "-q", Nginx).Trim();
        await using var second = await GantryNode.StartAsync(network, prepare: prepared =>
            File.WriteAllText($"{prepared.Directory}/certs.d/_default/hosts.toml", "server = \"http://127.0.0.1:9\"\n[host.\"http://127.0.0.1:5001\"]\n"));

        Assert.Equal(id, Ok(second, "pull", "-q", Nginx).Trim());
        network.Inside("skopeo", "copy", "--insecure-policy", "-q", "--src-tls-verify=false", "docker://127.0.0.1:5001/docker.io/library/nginx:1.19.10", $"dir:{first.Directory}/shared");
    }

    [Fact]
    public async Task ImportDirectory_ArchiveIsThereAtTheStart_AndPinned()
    {
        var archive = "";
        await using (var maker = await GantryNode.StartAsync(network))
        {
            archive = $"{network.Directory}/busybox.tar";
            Ok(maker, "pull", "-q", Busybox);
            Ok(maker, "image", "save", "--to", archive, Busybox);
        }
        await using var node = await GantryNode.StartAsync(network, prepare: prepared =>
        {
            Directory.CreateDirectory($"{prepared.Directory}/import");
            File.Move(archive, $"{prepared.Directory}/import/busybox.tar");
            Configure(prepared, $"[registry]\nimport_dir = \"{prepared.Directory}/import\"\n");
        });

        await NodeNetwork.WaitForAsync(
            async () => (await node.Images.ListImagesAsync(new ListImagesRequest())).Images.Any(image => image.Pinned && image.RepoTags.Contains(Busybox)),
            TimeSpan.FromSeconds(30), "the imported image");
    }

    [Fact]
    public async Task Policy_Reject_IsToldByTheKubeletsPrefix()
    {
        await using var node = await GantryNode.StartAsync(network, prepare: prepared =>
        {
            File.WriteAllText($"{prepared.Directory}/policy.json", """{"default":[{"type":"reject"}]}""");
            Configure(prepared, $"[registry]\npolicy_file = \"{prepared.Directory}/policy.json\"\n");
        });

        var failure = await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () => await node.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = Nginx } }));

        Assert.Equal(Grpc.Core.StatusCode.Unknown, failure.StatusCode);
        Assert.StartsWith("SignatureValidationFailed", failure.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_UnderWay_IsToldByVerboseStatusAndByPulls()
    {
        await using var node = await GantryNode.StartAsync(network, "[registry]\ndownload_mib_per_second = 1\n");
        var spec = new ImageSpec { Image = Nginx };
        var pulling = node.Images.PullImageAsync(new PullImageRequest { Image = spec });

        JsonNode? told = null;
        await NodeNetwork.WaitForAsync(
            async () =>
            {
                var status = await node.Images.ImageStatusAsync(new ImageStatusRequest { Image = spec, Verbose = true });
                Assert.Null(status.Image);
                told = status.Info.TryGetValue("pull", out var pull) ? JsonNode.Parse(pull) : null;
                return told?["layers"]!.AsArray().Any(layer => (long)layer!["bytesDone"]! > 0) ?? false;
            },
            TimeSpan.FromSeconds(30), "progress of the pull");
        var listed = JsonNode.Parse(Ok(node, "image", "pulls", "-o", "json"))!.AsArray();

        Assert.Equal("pulling", (string?)told!["stage"]);
        Assert.All(told["layers"]!.AsArray(), layer => Assert.InRange((long)layer!["bytesDone"]!, 0, (long)layer["bytesTotal"]!));
        Assert.Equal(Nginx, (string?)Assert.Single(listed)!["image"]);
        Assert.StartsWith("sha256:", (await pulling).ImageRef, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SaveAndLoad_ByPipes_AreTheSameImage()
    {
        await using var node = await GantryNode.StartAsync(network);
        var id = Ok(node, "pull", "-q", Nginx).Trim();
        var gantry = $"{NodeNetwork.Programs}/gantry --endpoint unix://{node.Socket}";
        foreach (var (save, load) in new[] { ("save", "load"), ("export --format docker", "import") })
        {
            var pipe = Shell.Run("sh", "-c", $"{gantry} image {save} {Nginx} | gzip -1 > {node.Directory}/piped && {gantry} rmi {id} && {gantry} image {load} < {node.Directory}/piped");

            Assert.Contains(id, pipe, StringComparison.Ordinal);
            Assert.Contains(Nginx, pipe, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Pull_RegistryThatIsNotThere_IsToldByTheKubeletsPrefix()
    {
        await using var node = await GantryNode.StartAsync(network, prepare: prepared =>
            File.WriteAllText($"{prepared.Directory}/certs.d/_default/hosts.toml", "server = \"http://127.0.0.1:9\"\n"));

        var failure = await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () => await node.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = Nginx } }));

        Assert.Equal(Grpc.Core.StatusCode.Unknown, failure.StatusCode);
        Assert.StartsWith("RegistryUnavailable", failure.Status.Detail, StringComparison.Ordinal);
    }

    internal static string Ok(GantryNode node, params string[] arguments)
    {
        var (code, output) = node.Gantry(arguments);
        Assert.True(code == 0, $"gantry {string.Join(' ', arguments)}: {code}: {output}\n{node.ReadLog()}");
        return output;
    }

    internal static void Configure(GantryNode node, string toml)
    {
        Directory.CreateDirectory($"{node.Directory}/conf.d");
        File.WriteAllText($"{node.Directory}/conf.d/images.toml", toml);
    }

    private static long Used(GantryNode node)
    {
        var usage = JsonNode.Parse(Ok(node, "system", "df", "-o", "json"))!;
        return long.Parse(usage["blobBytes"]!.ToString(), CultureInfo.InvariantCulture) + long.Parse(usage["treeBytes"]!.ToString(), CultureInfo.InvariantCulture);
    }
}
