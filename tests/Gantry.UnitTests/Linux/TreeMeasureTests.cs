using System.Diagnostics;
using Gantry.Linux.Files;
using Xunit;

namespace Gantry.UnitTests.Linux;

[Collection(AloneCollection.Name)]
public sealed class TreeMeasureTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("gantry-tree-").FullName;

    public void Dispose() => DirectoryRemover.Remove(_root);

    [Fact]
    public void TryMeasure_TreeOfManyKinds_IsWhatDuSays()
    {
        Directory.CreateDirectory($"{_root}/a/b/c");
        File.WriteAllBytes($"{_root}/a/large", new byte[300_000]);
        File.WriteAllBytes($"{_root}/a/b/small", new byte[10]);
        File.WriteAllText($"{_root}/a/b/c/empty", "");
        File.CreateSymbolicLink($"{_root}/link", "/etc/passwd");
        File.CreateSymbolicLink($"{_root}/loop", _root);
        using (var sparse = File.OpenHandle($"{_root}/sparse", FileMode.CreateNew, FileAccess.Write))
            RandomAccess.Write(sparse, new byte[1], 1 << 30);

        var usage = TreeMeasure.TryMeasure(_root)!.Value;

        Assert.Equal(Du("-s", "--block-size=1"), usage.Bytes);
        Assert.Equal(Du("-s", "--inodes"), usage.Inodes);
    }

    [Fact]
    public void TryMeasure_HardLinks_CountOnce()
    {
        File.WriteAllBytes($"{_root}/first", new byte[100_000]);
        Directory.CreateDirectory($"{_root}/links");
        for (var n = 0; n < 7; n++)
            Run("ln", $"{_root}/first", $"{_root}/links/{n}");

        var usage = TreeMeasure.TryMeasure(_root)!.Value;

        Assert.InRange(usage.Bytes, Du("-s", "--block-size=1") - 8, Du("-s", "--block-size=1"));
        Assert.InRange(usage.Inodes, 2, 3);
    }

    [Fact]
    public void TryMeasure_VeryDeep_IsMeasuredWithFewDescriptors()
    {
        const int Depth = 700;
        var path = _root;
        // Beyond what one path may be long.
        Run("bash", "-c", $"cd {path} && for ((n = 0; n < {Depth}; n++)); do mkdir a-directory-with-a-name && cd a-directory-with-a-name && echo x > file; done");
        var most = 0;

        var usage = TreeMeasure.TryMeasure(_root, pause: _ => most = Math.Max(most, Directory.GetFiles("/proc/self/fd").Length))!.Value;

        Assert.Equal((2 * Depth) + 1, usage.Inodes);
        Assert.True(most < 400, $"{most} descriptors");
    }

    [Fact]
    public void TryMeasure_DirectoryOfManyDirectories_NoneIsLost()
    {
        const int Count = 3000;
        for (var n = 0; n < Count; n++)
            File.WriteAllText(Path.Combine(Directory.CreateDirectory($"{_root}/directory-number-{n}").FullName, "file"), "");

        Assert.Equal((2 * Count) + 1, TreeMeasure.TryMeasure(_root)!.Value.Inodes);
    }

    [Fact]
    public void TryMeasure_MoreEntriesThanAllowed_GivesUp()
    {
        for (var n = 0; n < 20; n++)
            File.WriteAllText($"{_root}/{n}", "");

        Assert.Null(TreeMeasure.TryMeasure(_root, mostEntries: 10));
        Assert.NotNull(TreeMeasure.TryMeasure(_root, mostEntries: 20));
    }

    [Fact]
    public void TryMeasure_NothingThere_IsNull()
    {
        Assert.Null(TreeMeasure.TryMeasure($"{_root}/nothing"));
        File.WriteAllText($"{_root}/file", "");
        Assert.Null(TreeMeasure.TryMeasure($"{_root}/file"));
    }

    private long Du(params string[] options) => long.Parse(Run("du", [.. options, _root]).Split('\t')[0]);

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }
}
