using System.Text;
using Gantry.Containers.SpecBuilding;
using Gantry.Faults;
using Xunit;

namespace Gantry.UnitTests.Containers.SpecBuilding;

public sealed class SeccompFileTests
{
    [Fact]
    public void Parse_FormOfTheRuntimeSpecification_IsKept()
    {
        var profile = Parse("""
            {"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"architectures":["SCMP_ARCH_X86_64"],"flags":["SECCOMP_FILTER_FLAG_LOG"],
             "syscalls":[{"names":["read","write"],"action":"SCMP_ACT_ALLOW","args":[{"index":1,"value":2080505856,"valueTwo":3,"op":"SCMP_CMP_MASKED_EQ"}]},
                         {"names":["clone3"],"action":"SCMP_ACT_ERRNO","errnoRet":1}]}
            """);

        Assert.Equal("SCMP_ACT_ERRNO", profile.DefaultAction);
        Assert.Equal(38u, profile.DefaultErrnoRet);
        Assert.Equal(["SCMP_ARCH_X86_64"], profile.Architectures);
        Assert.Equal(["SECCOMP_FILTER_FLAG_LOG"], profile.Flags);
        Assert.Equal(2080505856ul, profile.Syscalls[0].Args![0].Value);
        Assert.Equal(1u, profile.Syscalls[1].ErrnoRet);
    }

    [Fact]
    public void Parse_FormOfDocker_RulesForOthersAreLeftOut()
    {
        const string Profile = """
            {"defaultAction":"SCMP_ACT_ERRNO","archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]},{"architecture":"SCMP_ARCH_AARCH64","subArchitectures":["SCMP_ARCH_ARM"]}],
             "syscalls":[{"name":"read","action":"SCMP_ACT_ALLOW"},
                         {"names":["bpf"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_BPF","CAP_SYS_ADMIN"]}},
                         {"names":["clone"],"action":"SCMP_ACT_ALLOW","excludes":{"caps":["CAP_SYS_ADMIN"]}},
                         {"names":["s390_only"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["s390x"]}},
                         {"names":["old"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"4.8"}},
                         {"names":["future"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"99.0"}}]}
            """;

        Assert.Equal(["read", "clone", "old"], Names(Profile));
        Assert.Equal(["read", "bpf", "old"], Names(Profile, "CAP_SYS_ADMIN"));
        Assert.Equal(2, Parse(Profile).Architectures!.Count);
    }

    [Theory]
    [InlineData("[]", "no JSON object")]
    [InlineData("{}", "defaultAction")]
    [InlineData("""{"defaultAction":"ALLOW"}""", "ALLOW")]
    [InlineData("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_KILL"}]}""", "no names")]
    [InlineData("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["x"],"action":"SCMP_ACT_KILL","args":[{"op":"=="}]}]}""", "'=='")]
    [InlineData("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[1]}""", "no object")]
    public void Parse_NoProfile_SaysWhatIsWrong(string text, string words) =>
        Assert.Contains(words, Assert.Throws<FormatException>(() => Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("relative/profile.json", "absolute")]
    [InlineData("/not/there/profile.json", "/not/there/profile.json")]
    [InlineData("/tmp", "regular file")]
    public void Read_NoFile_IsRefusedWithItsPath(string path, string words) =>
        Assert.Contains(words, Assert.Throws<InvalidRequestException>(() => SeccompFile.Read("c", path, [])).Message, StringComparison.Ordinal);

    private static Gantry.Oci.Spec.OciSeccomp Parse(string text, params string[] capabilities) => SeccompFile.Parse(Encoding.UTF8.GetBytes(text), capabilities);

    private static IEnumerable<string> Names(string text, params string[] capabilities) => Parse(text, capabilities).Syscalls.SelectMany(rule => rule.Names);
}
