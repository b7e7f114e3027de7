using System.IO.Pipes;
using Gantry.Cgroups;
using Xunit;

namespace Gantry.UnitTests.Cgroups;

public sealed class CgroupFolderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("gantry-cgroup-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData(CgroupMode.V1)]
    [InlineData(CgroupMode.V2)]
    public void Remove_TreeInEveryHierarchy_IsGoneAndItsNeighbourStays(CgroupMode mode)
    {
        var roots = Roots(mode);
        foreach (var root in roots)
            Directory.CreateDirectory($"{root}/pod/one/inner");
        foreach (var root in roots)
            Directory.CreateDirectory($"{root}/pod/two");
        var folder = new CgroupFolder(new CgroupHierarchy(mode, roots));

        folder.Remove("/pod/one");
        folder.Remove("/pod/one");

        Assert.All(roots, root => Assert.Equal([$"{root}/pod/two"], Directory.GetDirectories($"{root}/pod")));
    }

    [Fact]
    public void Find_NameInSeveralHierarchies_IsToldOncePerPath()
    {
        var roots = Roots(CgroupMode.V1);
        Directory.CreateDirectory($"{roots[0]}/a/deep/wanted");
        Directory.CreateDirectory($"{roots[1]}/a/deep/wanted");
        Directory.CreateDirectory($"{roots[1]}/wanted");
        Directory.CreateDirectory($"{roots[0]}/unwanted");

        var found = new CgroupFolder(new CgroupHierarchy(CgroupMode.V1, roots)).Find("wanted");

        Assert.Equal(["/a/deep/wanted", "/wanted"], found.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Walks_CgroupsThatOthersRemoveMeanwhile_AreNoFailure()
    {
        var roots = Roots(CgroupMode.V1);
        var folder = new CgroupFolder(new CgroupHierarchy(CgroupMode.V1, roots));
        using var end = new CancellationTokenSource();
        var others = Task.Factory.StartNew(() => MakeAndRemove(roots[0], end.Token), TaskCreationOptions.LongRunning);

        for (var round = 0; round < 2000; round++)
        {
            folder.KillAll("/pod");
            folder.Find("none");
            folder.Remove("/pod/one");
        }

        await end.CancelAsync();
        await others;
    }

    [Fact]
    public void KillAll_FileWhoseCgroupWentOnceItWasOpen_IsNoFailure()
    {
        // Since Linux 6.9 such a file can't even be sought in, as little as a pipe.
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        Directory.CreateDirectory($"{_root}/pod");
        File.CreateSymbolicLink($"{_root}/pod/cgroup.kill", $"/proc/self/fd/{pipe.SafePipeHandle.DangerousGetHandle()}");

        new CgroupFolder(new CgroupHierarchy(CgroupMode.V2, [_root])).KillAll("/pod");
    }

    private static void MakeAndRemove(string root, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            Try(() => Directory.CreateDirectory($"{root}/pod/one/inner/most"));
            Try(() => Directory.CreateDirectory($"{root}/pod/two/inner"));
            foreach (var path in (string[])["pod/two/inner", "pod/two", "pod/one/inner/most", "pod/one/inner", "pod/one"])
                Try(() => Directory.Delete($"{root}/{path}"));
        }
    }

    private static void Try(Action step)
    {
        try
        {
            step();
        }
        catch (IOException)
        {
            // The walk was there first.
        }
    }

    private string[] Roots(CgroupMode mode)
    {
        string[] roots = mode is CgroupMode.V2 ? [_root] : [$"{_root}/memory", $"{_root}/pids"];
        foreach (var root in roots)
            Directory.CreateDirectory(root);
        return roots;
    }
}
