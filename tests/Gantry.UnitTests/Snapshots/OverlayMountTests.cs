using Gantry.Faults;
using Gantry.Linux.Mounts;
using Gantry.Snapshots;
using Xunit;

namespace Gantry.UnitTests.Snapshots;

public sealed class OverlayMountTests : IDisposable
{
    private readonly string _folder = Path.Combine("/var/tmp", $"gantry-overlay-{Guid.NewGuid():N}");

    public OverlayMountTests()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "mounting needs root");
        foreach (var name in new[] { "upper", "work", "target" })
            Directory.CreateDirectory(Path.Combine(_folder, name));
    }

    private string Target => Path.Combine(_folder, "target");

    private string Writable => $",upperdir={_folder}/upper,workdir={_folder}/work";

    public void Dispose()
    {
        if (!Directory.Exists(_folder))
            return;
        Mount.Unmount(Target, lazy: true);
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Mount_ManyLayers_ShowsThemAll()
    {
        var lowers = MakeLayers(150);

        OverlayMount.Mount(lowers, $"{_folder}/upper", $"{_folder}/work", Target, new OverlayOptions());

        AssertShowsAll(lowers);
    }

    [Fact]
    public void MountClassic_LayersBeyondAPageOfOptions_ShowsThemAll()
    {
        var lowers = MakeLayers(150);

        OverlayMount.MountClassic(lowers, Writable, Target, MountAttributes.None);

        AssertShowsAll(lowers);
    }

    [Fact]
    public void MountClassic_FewLayersOfOddNames_ShowsThem()
    {
        var odd = Path.Combine(_folder, "a:b,c\\d");
        Directory.CreateDirectory(odd);
        File.WriteAllText(Path.Combine(odd, "odd"), "");

        OverlayMount.MountClassic([odd, .. MakeLayers(2)], Writable, Target, MountAttributes.None);

        Assert.Equal(["file-0", "file-1", "odd"], Files());
    }

    [Fact]
    public void MountClassic_MoreLayersThanFit_IsRefusedWithAdvice()
    {
        var failure = Assert.Throws<ResourceExhaustedException>(
            () => OverlayMount.MountClassic(MakeLayers(400), Writable, Target, MountAttributes.None));

        Assert.Contains("400 layers", failure.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Target));
    }

    /// <summary>Each with a file of its own.</summary>
    private List<string> MakeLayers(int count)
    {
        var lowers = new List<string>();
        for (var n = 0; n < count; n++)
        {
            var layer = Path.Combine(_folder, $"{new string('a', 60)}-{n}");
            Directory.CreateDirectory(layer);
            File.WriteAllText(Path.Combine(layer, $"file-{n}"), "");
            lowers.Add(layer);
        }
        return lowers;
    }

    private void AssertShowsAll(List<string> lowers)
    {
        Assert.Equal(Enumerable.Range(0, lowers.Count).Select(n => $"file-{n}").Order(StringComparer.Ordinal), Files());
        File.WriteAllText(Path.Combine(Target, "new"), "");
        Assert.True(File.Exists(Path.Combine(_folder, "upper", "new")));
    }

    private IEnumerable<string> Files() => Directory.GetFiles(Target).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal);
}
