using Gantry.Conformance;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Conformance;

/// <summary>Every spec with every OCI runtime, on the published programs.</summary>
public sealed class ConformanceTests(SharedNode shared) : IClassFixture<SharedNode>
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);

    /// <summary>All of them, or those whose ids begin as GANTRY_SPECS says ("userns", "mounts/,volumes/"), for a try of a part.</summary>
    public static TheoryData<string> Specs
    {
        get
        {
            var prefixes = Environment.GetEnvironmentVariable("GANTRY_SPECS")?.Split(',') ?? [""];
            return [.. SpecCatalog.All.Select(spec => spec.Id).Where(id => prefixes.Any(prefix => id.StartsWith(prefix, StringComparison.Ordinal)))];
        }
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public Task Spec_WithCrun_Holds(string spec) => RunAsync(spec, "crun");

    [Theory]
    [MemberData(nameof(Specs))]
    public Task Spec_WithRunc_Holds(string spec) => RunAsync(spec, "runc");

    private async Task RunAsync(string id, string handler)
    {
        var spec = SpecCatalog.Get(id);
        var outcome = await new SpecRunner(shared.Node.Cri, shared.Node.Settings(handler), _limit).RunAsync(spec);
        if (outcome.Verdict is SpecVerdict.Skipped)
            Assert.Skip($"{spec.Id}: {outcome.Message}");
        Assert.True(outcome.Verdict is SpecVerdict.Passed, $"{spec.Behaviour}: {outcome.Message}");
    }
}
