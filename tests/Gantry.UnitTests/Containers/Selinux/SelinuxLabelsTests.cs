using Gantry.Containers;
using Gantry.Containers.Selinux;
using Gantry.Faults;
using Xunit;

namespace Gantry.UnitTests.Containers.Selinux;

public sealed class SelinuxLabelsTests : IDisposable
{
    private static readonly PodContexts _pod = new("system_u:system_r:container_t:s0:c1,c2", "system_u:object_r:container_file_t:s0:c1,c2");
    private readonly SelinuxNode _node = new();

    public void Dispose() => _node.Dispose();

    [Fact]
    public void ForPod_NothingAsked_HasTheDefaultsAndALevelOfItsOwn()
    {
        using var labels = _node.Labels.ForPod("a/b", null, false, () => []);

        Assert.StartsWith(SelinuxNode.Process + ":c", labels.Contexts!.Process, StringComparison.Ordinal);
        Assert.Equal($"{SelinuxNode.File[..^2]}{labels.Contexts.Level()}", labels.Contexts.File);
        Assert.Equal(labels.Level!.Level, labels.Contexts.Level());
    }

    [Fact]
    public void ForPod_PartsAsked_ReplaceThoseOfTheDefaults()
    {
        using var labels = _node.Labels.ForPod("a/b", new SelinuxLabel("my_u", "my_r", "my_t", "s0:c9,c8"), false, () => []);

        Assert.Equal(new PodContexts("my_u:my_r:my_t:s0:c9,c8", "my_u:object_r:container_file_t:s0:c9,c8"), labels.Contexts);
        Assert.Null(labels.Level);
    }

    [Fact]
    public void ForPod_PolicyWithoutLevels_GivesNone()
    {
        _node.WriteContexts("process = \"u:r:t\"\nfile = \"u:o:f\"");

        using var labels = _node.Labels.ForPod("a/b", null, false, () => []);

        Assert.Equal(new PodContexts("u:r:t", "u:o:f"), labels.Contexts);
    }

    [Fact]
    public void ForPod_UnknownToThePolicy_IsRefused()
    {
        _node.ForgetContexts();

        var failure = Assert.Throws<InvalidRequestException>(() => _node.Labels.ForPod("a/b", new SelinuxLabel("", "", "nix_t", ""), false, () => []));

        Assert.Contains("pod a/b", failure.Message, StringComparison.Ordinal);
        Assert.Contains("nix_t", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ForContainer_NothingAsked_HasThePods()
    {
        var labels = _node.Labels.ForContainer(Spec(), _pod, null)!;

        Assert.Equal(new ContainerLabels(_pod.Process, _pod.File), labels);
    }

    [Fact]
    public void ForContainer_TypeAsked_KeepsThePodsLevelAndFiles()
    {
        var labels = _node.Labels.ForContainer(Spec(new SelinuxLabel("", "", "my_t", "")), _pod, null)!;

        Assert.Equal(new ContainerLabels("system_u:system_r:my_t:s0:c1,c2", _pod.File), labels);
    }

    [Fact]
    public void ForContainer_LevelAsked_WinsAndThePodsFilesAreShared()
    {
        var labels = _node.Labels.ForContainer(Spec(new SelinuxLabel("", "", "", "s0:c5")), _pod, null)!;

        Assert.Equal(("system_u:system_r:container_t:s0:c5", "system_u:object_r:container_file_t:s0:c5"), (labels.Process, labels.File));
        Assert.Equal(SelinuxNode.File, labels.SharedFile);
    }

    [Fact]
    public void ForContainer_Privileged_IsNotConfinedAndItsFilesAreThePods()
    {
        var spec = Spec(new SelinuxLabel("", "", "my_t", "")) with { Security = new ContainerSecurity { Privileged = true } };

        Assert.Equal(new ContainerLabels(null, _pod.File), _node.Labels.ForContainer(spec, _pod, null));
    }

    [Theory]
    [InlineData(NamespaceMode.Node, NamespaceMode.Pod)]
    [InlineData(NamespaceMode.Container, NamespaceMode.Node)]
    public void ForContainer_NodesNamespaces_IsConfinedOnlyWhereItAsks(NamespaceMode pid, NamespaceMode ipc)
    {
        var asked = new SelinuxLabel("", "", "", "s0:c1,c2");
        ContainerSpec Sharing(SelinuxLabel? label) => Spec() with { Security = new ContainerSecurity { Selinux = label, Namespaces = new NamespaceSharing { Pid = pid, Ipc = ipc } } };

        Assert.Null(_node.Labels.ForContainer(Sharing(null), _pod, null)!.Process);
        Assert.Null(_node.Labels.ForContainer(Sharing(new SelinuxLabel("", "", "", "")), _pod, null)!.Process);
        Assert.Equal(_pod.Process, _node.Labels.ForContainer(Sharing(asked), _pod, null)!.Process);
        Assert.Equal(_pod.Process, _node.Labels.ForContainer(Sharing(null), _pod, asked)!.Process);
    }

    [Fact]
    public void ForContainer_UnconfinedType_RelabelsNoVolume()
    {
        var labels = _node.Labels.ForContainer(Spec(new SelinuxLabel("", "", "spc_t", "")), _pod, null)!;

        Assert.Equal((false, "system_u:system_r:spc_t:s0:c1,c2"), (labels.RelabelsVolumes, labels.Process));
    }

    [Fact]
    public void ForContainer_Malformed_NamesPartAndContainer()
    {
        var failure = Assert.Throws<InvalidRequestException>(() => _node.Labels.ForContainer(Spec(new SelinuxLabel("", "", "", "x y")), _pod, null));

        Assert.Contains("container web: SELinux level 'x y'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ForContainer_UnknownToThePolicy_IsRefused()
    {
        _node.ForgetContexts();

        Assert.Throws<InvalidRequestException>(() => _node.Labels.ForContainer(Spec(new SelinuxLabel("", "", "nix_t", "")), _pod, null));
        Assert.NotNull(_node.Labels.ForContainer(Spec(), _pod, null));
    }

    [Fact]
    public void ForContainer_PodWithoutLabels_IsToBeMadeAnew()
    {
        var failure = Assert.Throws<InvalidRequestException>(() => _node.Labels.ForContainer(Spec(new SelinuxLabel("", "", "my_t", "")), null, null));

        Assert.Contains("make the pod anew", failure.Message, StringComparison.Ordinal);
        Assert.Null(_node.Labels.ForContainer(Spec(), null, null));
    }

    [Fact]
    public void ForInit_Pod_HasItsLabelUnlessItIsPrivilegedOrSharesTheNodes()
    {
        var own = new NamespaceSharing();
        var shared = new NamespaceSharing { Ipc = NamespaceMode.Node };

        Assert.Equal(new ContainerLabels(_pod.Process, _pod.File), SelinuxLabels.ForInit(_pod, false, own, null));
        Assert.Equal(new ContainerLabels(null, _pod.File), SelinuxLabels.ForInit(_pod, true, own, null));
        Assert.Equal(new ContainerLabels(null, _pod.File), SelinuxLabels.ForInit(_pod, false, shared, null));
        Assert.Null(SelinuxLabels.ForInit(null, false, own, null));
    }

    private static ContainerSpec Spec(SelinuxLabel? label = null) =>
        new() { Name = "web", Image = new ImageSource("i"), Security = new ContainerSecurity { Selinux = label } };
}
