using Gantry.Containers.Cdi;
using Gantry.Faults;
using Gantry.Oci.Spec;
using Xunit;

namespace Gantry.UnitTests.Containers.Cdi;

public sealed class CdiRegistryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cdi").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Resolve_TwoDevicesOfOneKind_CommonEditsComeOnce()
    {
        Write("a.json", Device("gpu", "0", "ZERO=1", "COMMON=1", ("1", "ONE=1")));

        var edits = Registry().Resolve("c", [CdiName.Parse("v.example/gpu=1"), CdiName.Parse("v.example/gpu=0"), CdiName.Parse("v.example/gpu=1")]);

        Assert.Equal(["COMMON=1", "ONE=1", "ZERO=1"], edits.Environment);
    }

    [Fact]
    public void Resolve_LaterDirectory_HidesTheEarlier()
    {
        Directory.CreateDirectory($"{_folder}/later");
        Write("a.json", Device("gpu", "0", "FROM=first", "C=1"));
        Write("later/a.json", Device("gpu", "0", "FROM=second", "C=1"));

        var edits = new CdiRegistry([_folder, $"{_folder}/later"]).Resolve("c", [CdiName.Parse("v.example/gpu=0")]);

        Assert.Contains("FROM=second", edits.Environment);
        Assert.DoesNotContain("FROM=first", edits.Environment);
    }

    [Fact]
    public void Resolve_FileThatChanged_IsReadAgain()
    {
        var registry = Registry();
        Write("a.json", Device("gpu", "0", "N=1", "C=1"));
        _ = registry.Resolve("c", [CdiName.Parse("v.example/gpu=0")]);

        Write("a.json", Device("gpu", "0", "N=22", "C=1"));

        Assert.Contains("N=22", registry.Resolve("c", [CdiName.Parse("v.example/gpu=0")]).Environment);
    }

    [Theory]
    [InlineData("", "rbind rslave")]
    [InlineData(""" "ro", "bind" """, "ro bind rslave")]
    [InlineData(""" "rbind", "rshared" """, "rbind rshared")]
    [InlineData(""" "rbind", "private" """, "rbind private")]
    public void Resolve_AMount_IsNeverThePeerOfTheNodesUnasked(string options, string expected)
    {
        Write("a.json", """{"cdiVersion":"0.6.0","kind":"v.example/gpu","devices":[{"name":"0","containerEdits":{"mounts":[{"hostPath":"/a","containerPath":"/b","options":[OPTIONS]}]}}]}""".Replace("OPTIONS", options, StringComparison.Ordinal));

        var mount = Assert.Single(Registry().Resolve("c", [CdiName.Parse("v.example/gpu=0")]).Mounts);

        Assert.Equal(expected, string.Join(' ', mount.Options!));
    }

    [Theory]
    [InlineData("{", "a.json")]
    [InlineData("""{"cdiVersion":"9.0","kind":"v.example/gpu","devices":[{"name":"0"}]}""", "cdiVersion 9.0")]
    [InlineData("""{"cdiVersion":"0.6.0","kind":"gpu","devices":[{"name":"0"}]}""", "kind is no vendor/class")]
    [InlineData("""{"cdiVersion":"0.6.0","kind":"v.example/gpu","devices":[]}""", "no devices")]
    [InlineData("""{"cdiVersion":"0.6.0","kind":"v.example/gpu","devices":[{"name":"../x"}]}""", "no valid name")]
    [InlineData("""{"cdiVersion":"0.6.0","kind":"v.example/gpu","devices":[{"name":"0"},{"name":"0"}]}""", "given twice")]
    [InlineData("""{"cdiVersion":"0.6.0","kind":"v.example/gpu","devices":[{"name":"0","containerEdits":{"deviceNodes":[{"path":"dev/x"}]}}]}""", "absolute path")]
    [InlineData("""{"cdiVersion":"0.6.0","kind":"v.example/gpu","devices":[{"name":"0","containerEdits":{"hooks":[{"hookName":"now","path":"/bin/true"}]}}]}""", "hook 'now'")]
    [InlineData("""{"cdiVersion":"0.6.0","kind":"v.example/gpu","devices":[{"name":"0","containerEdits":{"additionalGids":["x"]}}]}""", "a.json")]
    public void Resolve_BrokenFile_IsNamedWithTheReason(string text, string words)
    {
        Write("a.json", text);

        var failure = Assert.Throws<WrongStateException>(() => Registry().Resolve("c", [CdiName.Parse("v.example/gpu=0")]));

        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpu0")]
    [InlineData("v.example/gpu=")]
    [InlineData("v.example=0")]
    [InlineData("v.example/gpu/x=0")]
    [InlineData("v.example/gpu=a/b")]
    [InlineData("-v/gpu=0")]
    public void Parse_NoQualifiedName_IsRefused(string text) => Assert.Throws<InvalidRequestException>(() => CdiName.Parse(text));

    [Fact]
    public void Apply_EveryKindOfEdit_ChangesTheSpecification()
    {
        var spec = new OciSpec
        {
            Process = new OciProcess { User = new OciUser(1000, 1000, [7]), Args = ["x"], Env = ["PATH=/bin", "GPU=old"] },
            Root = new OciRoot("/r", false),
            Mounts = [new OciMount("/proc", "proc", "proc", []), new OciMount("/lib/gpu", "bind", "/old", [])],
            Linux = new OciLinux { Resources = new OciResources { Devices = [] }, Devices = [new OciDevice("/dev/a", "c", 9, 9, 0, 0, 0)] },
        };
        var edits = new CdiEdits
        {
            Environment = ["GPU=new"],
            DeviceNodes = [new CdiDeviceNode("/dev/a") { HostPath = "/dev/null", Permissions = "r" }],
            Mounts = [new OciMount("/lib/gpu", "bind", "/new", ["ro"]), new OciMount("/lib", "bind", "/l", [])],
            Hooks = [new CdiHook("createContainer", new OciHook("/bin/hook"))],
            AdditionalGroups = [7, 8],
        };

        var applied = CdiApplier.Apply(spec, edits);

        Assert.Equal(["PATH=/bin", "GPU=new"], applied.Process.Env);
        Assert.Equal([7u, 8u], applied.Process.User.AdditionalGids);
        Assert.Equal(["/proc", "/lib", "/lib/gpu"], applied.Mounts.Select(mount => mount.Destination));
        Assert.Equal("/new", applied.Mounts[^1].Source);
        Assert.Equal(new OciDevice("/dev/a", "c", 1, 3, applied.Linux.Devices![0].FileMode, 1000, 1000), Assert.Single(applied.Linux.Devices!));
        Assert.Equal(new OciDeviceRule(true, "c", 1, 3, "r"), Assert.Single(applied.Linux.Resources!.Devices!));
        Assert.Equal("/bin/hook", Assert.Single(applied.Hooks!.CreateContainer!).Path);
        Assert.Null(applied.Hooks.Prestart);
    }

    private CdiRegistry Registry() => new([$"{_folder}/missing", _folder]);

    private void Write(string name, string text) => File.WriteAllText($"{_folder}/{name}", text);

    private static string Device(string type, string name, string variable, string common, params (string Name, string Variable)[] more)
    {
        var devices = more.Prepend((name, variable)).Select(device => $$$"""{"name":"{{{device.Item1}}}","containerEdits":{"env":["{{{device.Item2}}}"]}}""");
        return $$$"""{"cdiVersion":"0.6.0","kind":"v.example/{{{type}}}","containerEdits":{"env":["{{{common}}}"]},"devices":[{{{string.Join(',', devices)}}}]}""";
    }
}
