using Gantry.Containers;
using Gantry.Containers.SpecBuilding;
using Gantry.Faults;
using Gantry.Linux.Files;
using Xunit;

namespace Gantry.UnitTests.Containers.SpecBuilding;

public sealed class UserResolverTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("gantry-users-").FullName;

    public UserResolverTests()
    {
        Directory.CreateDirectory($"{_root}/etc");
        Passwd("root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n1000:x:0:0::/evil:/bin/sh\nbroken\nnul:x:5\0:5::/:/bin/sh\n");
        Group("root:x:0:\napp:x:1000:\nextra:x:2000:app,other\nmore:x:3000:app\n");
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("", 0, 0)]
    [InlineData("app", 1000, 1000)]
    [InlineData("1000", 1000, 1000)]
    [InlineData("4000", 4000, 0)]
    [InlineData("app:extra", 1000, 2000)]
    [InlineData("app:77", 1000, 77)]
    [InlineData("0", 0, 0)]
    [InlineData("4294967294", 4294967294, 0)]
    public void Resolve_UserOfTheImage_IsFound(string user, uint uid, uint gid)
    {
        var found = Resolve(new ContainerSecurity(), user);

        Assert.Equal((uid, gid), (found.Uid, found.Gid));
    }

    [Theory]
    [InlineData("nobody-here", "user 'nobody-here' does not exist")]
    [InlineData("4294967296", "user '4294967296' does not exist")]
    [InlineData("4294967295", "user '4294967295' does not exist")]
    [InlineData("99999999999:0", "user '99999999999' does not exist")]
    [InlineData("0\0", "does not exist")]
    [InlineData("+0", "does not exist")]
    [InlineData(" 0", "does not exist")]
    [InlineData("-1", "does not exist")]
    [InlineData("nul", "does not exist")]
    [InlineData("app:nogroup", "group 'nogroup' does not exist")]
    public void Resolve_UserThatIsNone_IsRefusedAndNeverRoot(string user, string words)
    {
        var failure = Assert.Throws<InvalidRequestException>(() => Resolve(new ContainerSecurity(), user));

        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resolve_GroupsMergedOrStrict_AreThose()
    {
        var asked = new ContainerSecurity { RunAsUserName = "app", SupplementalGroups = [5000, 2000] };

        Assert.Equal([1000u, 2000, 3000, 5000], Resolve(asked, "").AdditionalGroups.Order().ToArray());
        Assert.Equal([1000u, 2000, 5000], Resolve(asked with { SupplementalGroupsPolicy = SupplementalGroupsPolicy.Strict }, "").AdditionalGroups.Order().ToArray());
    }

    [Fact]
    public void Resolve_GroupWithoutUser_IsRefused() =>
        Assert.Contains("run_as_group", Assert.Throws<InvalidRequestException>(() => Resolve(new ContainerSecurity { RunAsGroup = 5 }, "app")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(-1)]
    [InlineData(4294967295)]
    [InlineData(long.MaxValue)]
    public void Resolve_IdOutOfRange_IsRefused(long id)
    {
        Assert.Throws<InvalidRequestException>(() => Resolve(new ContainerSecurity { RunAsUser = id }, ""));
        Assert.Throws<InvalidRequestException>(() => Resolve(new ContainerSecurity { SupplementalGroups = [id] }, ""));
    }

    [Fact]
    public void Resolve_PasswdIsALinkOutside_IsReadInTheImage()
    {
        File.Delete($"{_root}/etc/passwd");
        File.CreateSymbolicLink($"{_root}/etc/passwd", "/../../../../nix/passwd");
        Directory.CreateDirectory($"{_root}/nix");
        File.WriteAllText($"{_root}/nix/passwd", "inside:x:42:42::/:/bin/sh\n");

        Assert.Equal(42u, Resolve(new ContainerSecurity(), "inside").Uid);
        Assert.Throws<InvalidRequestException>(() => Resolve(new ContainerSecurity(), "daemon"));
    }

    [Fact]
    public void Resolve_NoPasswdAtAll_NumbersAreFine()
    {
        Directory.Delete($"{_root}/etc", recursive: true);

        Assert.Equal((1234u, 0u), (Resolve(new ContainerSecurity(), "1234").Uid, Resolve(new ContainerSecurity(), "1234").Gid));
        Assert.Equal("/root", Resolve(new ContainerSecurity(), "").Home);
    }

    [Fact]
    public void Resolve_HugePasswd_IsRefused()
    {
        using (var file = File.OpenWrite($"{_root}/etc/passwd"))
            file.SetLength(20L << 30);

        Assert.Contains("/etc/passwd", Assert.Throws<InvalidRequestException>(() => Resolve(new ContainerSecurity(), "app")).Message, StringComparison.Ordinal);
    }

    private ResolvedUser Resolve(ContainerSecurity security, string user)
    {
        using var root = RegularFile.OpenDirectory(_root);
        return UserResolver.Resolve(root, security, user);
    }

    private void Passwd(string text) => File.WriteAllText($"{_root}/etc/passwd", text);

    private void Group(string text) => File.WriteAllText($"{_root}/etc/group", text);
}
