using System.Text.Json;
using Gantry.Identity;
using Gantry.Oci;
using Gantry.Oci.Spec;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gantry.UnitTests.Containers;

public sealed class SeccompFiltersTests : IDisposable
{
    private const string Annotation = "run.oci.seccomp_bpf_data";
    private static readonly byte[] _filter = [0x06, 0, 0, 0, 0, 0, 0xff, 0x7f];
    private readonly string _root = Directory.CreateTempSubdirectory("gantry-filters-").FullName;
    private readonly FakeTimeProvider _time = new();
    private readonly SeccompFilters _filters;
    private readonly RuntimeHandler _crun;

    public SeccompFiltersTests()
    {
        _filters = new SeccompFilters(_time);
        File.Copy("/bin/true", Path.Combine(_root, "program"));
        _crun = new RuntimeHandler("crun", Path.Combine(_root, "program"), _root, []);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Apply_AProfileThatWasCompiledBefore_BringsItsFilter()
    {
        Assert.False(IsApplied(Spec("read")));
        _filters.Learn(Spec("read"), _crun, Compiled(_filter));

        var applied = _filters.Apply(Spec("read"), _crun);

        Assert.Equal(Convert.ToBase64String(_filter), applied.Annotations![Annotation]);
        Assert.Equal("b", applied.Annotations["a"]);
    }

    [Fact]
    public void Apply_AnotherProfileOrHandler_BringsNone()
    {
        _filters.Learn(Spec("read"), _crun, Compiled(_filter));

        Assert.False(IsApplied(Spec("write")));
        Assert.False(IsApplied(Spec("read"), _crun with { Name = "other" }));
        Assert.False(IsApplied(Spec("read") with { Linux = new OciLinux() }));
    }

    [Fact]
    public void Apply_AfterTenMinutesOrWithAnotherCompiler_BringsNone()
    {
        _filters.Learn(Spec("read"), _crun, Compiled(_filter));
        _time.Advance(TimeSpan.FromMinutes(11));
        Assert.False(IsApplied(Spec("read")));

        _filters.Learn(Spec("read"), _crun, Compiled(_filter));
        Assert.True(IsApplied(Spec("read")));
        File.Copy("/bin/false", _crun.Path, overwrite: true);
        Assert.False(IsApplied(Spec("read")));
    }

    [Theory]
    [InlineData("run.oci.seccomp_bpf_data")]
    [InlineData("run.oci.seccomp_fail_unknown_syscall")]
    [InlineData("run.oci.seccomp.receiver")]
    public void Apply_AnAnnotationThatTheOperatorAllowsHasASay_LeavesItToThat(string annotation)
    {
        _filters.Learn(Spec("read"), _crun, Compiled(_filter));
        var spec = Spec("read") with { Annotations = new Dictionary<string, string> { [annotation] = "x" } };

        Assert.Same(spec, _filters.Apply(spec, _crun));
        Assert.False(IsApplied(Spec("read", "/run/agent.sock")));
    }

    [Fact]
    public void Learn_NoFilterOrABrokenOne_KeepsNone()
    {
        _filters.Learn(Spec("read"), _crun, ContainerId.New());
        _filters.Learn(Spec("read"), _crun, Compiled([]));
        _filters.Learn(Spec("read"), _crun, Compiled([1, 2, 3]));
        _filters.Learn(Spec("read"), _crun, Compiled(new byte[4097 * 8]));

        Assert.False(IsApplied(Spec("read")));
    }

    [Fact]
    public void Learn_ARuntimeThatKeepsItsFiltersItself_IsLeftToThat()
    {
        Directory.CreateDirectory(Path.Combine(_root, ".cache", "seccomp"));

        _filters.Learn(Spec("read"), _crun, Compiled(_filter));

        Assert.False(IsApplied(Spec("read")));
    }

    [Fact]
    public void Hide_AnAppliedFilter_TakesItOut()
    {
        _filters.Learn(Spec("read"), _crun, Compiled(_filter));
        var json = JsonSerializer.SerializeToNode(_filters.Apply(Spec("read"), _crun), OciJson.Default.OciSpec);

        SeccompFilters.Hide(json);
        SeccompFilters.Hide(null);

        Assert.Equal("""{"a":"b"}""", json!["annotations"]!.ToJsonString());
    }

    private static OciSpec Spec(string syscall, string? listener = null) => new()
    {
        Process = new OciProcess { User = new OciUser(0, 0, []), Args = ["true"] },
        Root = new OciRoot("/", false),
        Annotations = new Dictionary<string, string> { ["a"] = "b" },
        Linux = new OciLinux { Seccomp = new OciSeccomp { DefaultAction = "SCMP_ACT_ERRNO", ListenerPath = listener, Syscalls = [new OciSyscall([syscall], "SCMP_ACT_ALLOW", null, null)] } },
    };

    private bool IsApplied(OciSpec spec, RuntimeHandler? handler = null) => _filters.Apply(spec, handler ?? _crun).Annotations!.ContainsKey(Annotation);

    /// <summary>A container as crun leaves it.</summary>
    private ContainerId Compiled(byte[] filter)
    {
        var id = ContainerId.New();
        Directory.CreateDirectory(Path.Combine(_root, id.Value));
        File.WriteAllBytes(Path.Combine(_root, id.Value, "seccomp.bpf"), filter);
        return id;
    }
}
