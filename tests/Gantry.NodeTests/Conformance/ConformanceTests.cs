using Gantry.Conformance;
using Xunit;

namespace Gantry.NodeTests.Conformance;

/// <summary>Every spec with every OCI runtime, on the published programs.</summary>
public sealed class ConformanceTests(SharedNode shared) : IClassFixture<SharedNode>
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);

    public static TheoryData<string> Specs => [.. SpecCatalog.All.Select(spec => spec.Id)];

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
