using Gantry.Containers;
using Gantry.Containers.Selinux;
using Gantry.Faults;
using Xunit;

namespace Gantry.UnitTests.Containers.Selinux;

/// <summary>Nodes on which labels cannot be applied.</summary>
public sealed class NoSelinuxTests : IDisposable
{
    private static readonly SelinuxLabel _real = new("", "", "container_t", "s0:c1,c2");
    private readonly SelinuxNode _without = new(hasKernel: false);
    private readonly SelinuxNode _with = new();

    public void Dispose()
    {
        _without.Dispose();
        _with.Dispose();
    }

    [Fact]
    public void ForPod_NothingAsked_HasNone()
    {
        Assert.Null(_without.Labels.ForPod("a/b", null, false, () => []).Contexts);
        Assert.Null(_without.Labels.ForContainer(Spec(null), null, null));
    }

    [Fact]
    public void Label_NoKernel_IsRefusedWithTheReason()
    {
        var pod = Assert.Throws<InvalidRequestException>(() => _without.Labels.ForPod("a/b", _real, false, () => []));
        var container = Assert.Throws<InvalidRequestException>(() => _without.Labels.ForContainer(Spec(_real), null, null));

        Assert.Equal("pod a/b: SELinux label ::container_t:s0:c1,c2 is asked for, and this node's kernel has no SELinux (or it is switched off)", pod.Message);
        Assert.StartsWith("container web: SELinux label ", container.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Label_OfThePodThatTheContainerWouldHave_IsRefused() =>
        Assert.Throws<InvalidRequestException>(() => _without.Labels.ForContainer(Spec(null), null, _real));

    [Theory]
    [InlineData("", "")]
    [InlineData("spc_t", "")]
    [InlineData("spc_t", "s0")]
    public void Label_ThatConfinesNothing_IsFine(string type, string level)
    {
        var label = new SelinuxLabel("", "", type, level);

        Assert.Null(_without.Labels.ForPod("a/b", label, false, () => []).Contexts);
        Assert.Null(_without.Labels.ForContainer(Spec(label), null, label));
    }

    [Fact]
    public void Label_OfPrivileged_IsFine()
    {
        Assert.Null(_without.Labels.ForPod("a/b", _real, true, () => []).Contexts);
        Assert.Null(_without.Labels.ForContainer(Spec(_real) with { Security = new ContainerSecurity { Privileged = true, Selinux = _real } }, null, null));
    }

    [Fact]
    public void Label_Malformed_IsRefusedAsSuch() =>
        Assert.Contains("SELinux type 'a:b'", Assert.Throws<InvalidRequestException>(() => _without.Labels.ForContainer(Spec(new SelinuxLabel("", "", "a:b", "")), null, null)).Message, StringComparison.Ordinal);

    [Fact]
    public void Label_SwitchedOff_IsRefusedWithTheReason()
    {
        var labels = new SelinuxLabels(_with.Policy, isWanted: false);

        Assert.Null(labels.ForPod("a/b", null, false, () => []).Contexts);
        Assert.Contains("selinux = false", Assert.Throws<InvalidRequestException>(() => labels.ForPod("a/b", _real, false, () => [])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Label_PolicyWithoutContainers_IsRefusedWithTheFile()
    {
        File.Delete(_with.ContextsFile);

        Assert.Null(_with.Labels.ForPod("a/b", null, false, () => []).Contexts);
        Assert.Contains(_with.ContextsFile, Assert.Throws<InvalidRequestException>(() => _with.Labels.ForPod("a/b", _real, false, () => [])).Message, StringComparison.Ordinal);
    }

    private static ContainerSpec Spec(SelinuxLabel? label) =>
        new() { Name = "web", Image = new ImageSource("i"), Security = new ContainerSecurity { Selinux = label } };
}
