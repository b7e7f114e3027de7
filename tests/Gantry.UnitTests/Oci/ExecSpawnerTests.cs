using Gantry.Linux.Mounts;
using Gantry.Oci;
using Xunit;

namespace Gantry.UnitTests.Oci;

/// <summary>Which mount is made bare for the runtimes that start processes in containers.</summary>
public sealed class ExecSpawnerTests
{
    private const string Root = "1 0 8:1 / / rw shared:1 - ext4 /dev/root rw\n";
    private const string Run = "2 1 0:20 / /run rw shared:2 - tmpfs tmpfs rw\n";

    [Fact]
    public void Choose_StateOnRun_IsRunWhateverLiesOnIt() =>
        Assert.Equal(("/run", ""), Choose(Root + Run + "3 2 0:21 / /run/lock rw - tmpfs tmpfs rw\n4 3 0:22 / /run/lock/x rw - tmpfs tmpfs rw\n"));

    [Fact]
    public void Choose_StateAMountItself_IsThatOne() =>
        Assert.Equal(("/run/gantry", ""), Choose(Root + Run + "3 2 0:21 / /run/gantry rw - tmpfs tmpfs rw\n"));

    [Fact]
    public void Choose_MountsOfASlave_ComeAndGoToo() =>
        Assert.Equal(("/run", ""), Choose(Root.Replace("shared", "master", StringComparison.Ordinal) + Run));

    [Theory]
    [InlineData("1 0 8:1 / / rw shared:1 - ext4 /dev/root rw\n", "root file system")]
    [InlineData("1 0 8:1 / / rw - ext4 /dev/root rw\n2 1 0:20 / /run rw - tmpfs tmpfs rw\n", "/ is a private mount", "when /run goes")]
    [InlineData(Root + Run + "3 1 8:2 / /mnt/a rw - ext4 /dev/a rw\n4 3 8:3 / /mnt/a/b rw shared:4 - ext4 /dev/b rw\n", "/mnt/a is a private mount", "when /mnt/a/b goes")]
    public void Choose_NothingThatCanBeBared_SaysWhy(string table, params string[] words)
    {
        var (mountPoint, obstacle) = ExecSpawner.Choose(MountTable.Parse(table), "/run/gantry");

        Assert.Null(mountPoint);
        Assert.All(words, word => Assert.Contains(word, obstacle, StringComparison.Ordinal));
    }

    private static (string?, string) Choose(string table) => ExecSpawner.Choose(MountTable.Parse(table), "/run/gantry");
}
