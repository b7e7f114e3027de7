using Gantry.Conformance;
using Xunit;

namespace Gantry.NodeTests.Conformance;

/// <summary>
/// The same specs on Debian's containerd, to see that they ask for what the CRI asks for and not for Gantry's habits. What
/// containerd is known to fail is written down with its reason, and must fail: a reason that no longer holds is found. Only
/// what it fails at times, by a race of its own, may go either way.
/// </summary>
public sealed class ContainerdTests(ContainerdNode node) : IClassFixture<ContainerdNode>
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan _limitOfFailures = TimeSpan.FromSeconds(15);

    public static TheoryData<string> Specs => ConformanceTests.Specs;

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Spec_OnContainerd_Holds(string spec)
    {
        if (node.Cri is null)
            Assert.Skip(node.Missing);
        var reason = node.Known.ReasonOf(SpecCatalog.Get(spec));
        var atTimes = node.Known.FailsAtTimes(SpecCatalog.Get(spec));
        // Some of the known failures are calls that never end.
        var runner = new SpecRunner(node.Cri, node.Settings, reason is null || atTimes ? _limit : _limitOfFailures);
        var outcome = await runner.RunAsync(SpecCatalog.Get(spec));
        // The question is whether the spec asks for what the CRI asks for: a race of containerd's does not answer it.
        for (var tries = 1; tries < 3 && !atTimes && outcome.Verdict == (reason is null ? SpecVerdict.Failed : SpecVerdict.Passed); tries++)
            outcome = await runner.RunAsync(SpecCatalog.Get(spec));
        if (outcome.Verdict is SpecVerdict.Skipped)
            Assert.Skip($"{spec}: {outcome.Message}");
        if (atTimes)
            return;
        if (reason is not null)
            Assert.True(outcome.Verdict is SpecVerdict.Failed, $"{spec} passes, and is listed as failing because: {reason}");
        else
            Assert.True(outcome.Verdict is SpecVerdict.Passed, $"{outcome.Spec.Behaviour}: {outcome.Message}");
    }
}
