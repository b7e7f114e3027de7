using Gantry.Containers;
using Gantry.Containers.SpecBuilding;
using Gantry.Faults;
using Xunit;

namespace Gantry.UnitTests.Containers.SpecBuilding;

public sealed class AppArmorTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("apparmor").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task For_KernelWithoutIt_NothingAskedForIsNone()
    {
        Assert.Null(await Kernel(null).ForAsync("c", new ContainerSecurity()));
        Assert.Null(await Kernel(null).ForAsync("c", With(ProfileKind.Unconfined)));
    }

    [Theory]
    [InlineData(ProfileKind.RuntimeDefault)]
    [InlineData(ProfileKind.Localhost)]
    public async Task For_KernelWithoutIt_ProfileThatIsAskedForIsRefused(ProfileKind kind)
    {
        var failure = await Assert.ThrowsAsync<InvalidRequestException>(() => Kernel(null).ForAsync("c", With(kind, "mine")));

        Assert.Contains("no AppArmor", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task For_LoadedProfile_IsTakenAndAnotherRefused()
    {
        var kernel = Kernel("mine (enforce)\nothers (complain)\n");

        Assert.Equal("mine", await kernel.ForAsync("c", With(ProfileKind.Localhost, "mine")));
        var failure = await Assert.ThrowsAsync<InvalidRequestException>(() => kernel.ForAsync("c", With(ProfileKind.Localhost, "min")));
        Assert.Contains("not loaded", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task For_NothingAskedFor_DefaultIsLoadedOnce()
    {
        var kernel = Kernel("");

        Assert.Equal(AppArmor.DefaultProfile, await kernel.ForAsync("c", new ContainerSecurity()));
        Assert.Equal(AppArmor.DefaultProfile, await kernel.ForAsync("c", With(ProfileKind.RuntimeDefault)));

        Assert.Equal("-Kr\n", await File.ReadAllTextAsync($"{_folder}/calls"));
        Assert.Contains("profile gantry-default", await File.ReadAllTextAsync($"{_folder}/apparmor-default"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task For_DefaultOfAnOlderVersion_IsLoadedAnewOnceAndAgainWhereItWentAway()
    {
        var kernel = Kernel("gantry-default (enforce)\n");
        await kernel.ForAsync("c", new ContainerSecurity());
        await kernel.ForAsync("c", new ContainerSecurity());
        Assert.Equal("-Kr\n", await File.ReadAllTextAsync($"{_folder}/calls"));

        await File.WriteAllTextAsync($"{_folder}/profiles", "");
        await kernel.ForAsync("c", new ContainerSecurity());
        Assert.Equal("-Kr\n-Kr\n", await File.ReadAllTextAsync($"{_folder}/calls"));
    }

    [Fact]
    public async Task For_ParserMissingAndDefaultLoaded_IsTheDefault() =>
        Assert.Equal(AppArmor.DefaultProfile, await Kernel("gantry-default (enforce)\n", parser: "/not/there").ForAsync("c", new ContainerSecurity()));

    [Fact]
    public async Task For_Privileged_OnlyANamedProfileConfines()
    {
        var kernel = Kernel("mine (enforce)\n");

        Assert.Null(await kernel.ForAsync("c", new ContainerSecurity { Privileged = true }));
        Assert.Equal("mine", await kernel.ForAsync("c", With(ProfileKind.Localhost, "mine") with { Privileged = true }));
    }

    [Fact]
    public async Task For_ParserMissing_SaysWhatToInstall()
    {
        var kernel = Kernel("", parser: "/not/there");

        var failure = await Assert.ThrowsAsync<WrongStateException>(() => kernel.ForAsync("c", new ContainerSecurity()));

        Assert.Contains("apparmor", failure.Message, StringComparison.Ordinal);
    }

    private static ContainerSecurity With(ProfileKind kind, string name = "") => new() { AppArmor = new SecurityProfile(kind, name) };

    /// <param name="profiles">What the kernel has loaded; null for one without AppArmor.</param>
    /// <param name="parser">The program that loads; one that notes its calls by default.</param>
    private AppArmor Kernel(string? profiles, string? parser = null)
    {
        if (profiles is not null)
            File.WriteAllText($"{_folder}/profiles", profiles);
        var script = $"{_folder}/parser";
        File.WriteAllText(script, $"#!/bin/sh\necho $1 >> {_folder}/calls\necho 'gantry-default (enforce)' >> {_folder}/profiles\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new AppArmor(_folder, parser ?? script, _folder);
    }
}
