using Gantry.Containers.Selinux;
using Gantry.Faults;
using Xunit;

namespace Gantry.UnitTests.Containers.Selinux;

public sealed class SelinuxPolicyTests : IDisposable
{
    private readonly SelinuxNode _node = new();

    public void Dispose() => _node.Dispose();

    [Fact]
    public void IsEnabled_KernelWithAPolicy_Is() => Assert.True(_node.Policy.IsEnabled);

    [Fact]
    public void IsEnabled_NoPolicyLoaded_IsNot()
    {
        SelinuxNode.Write(_node.Paths.Own, "kernel\0");

        Assert.False(_node.Policy.IsEnabled);
    }

    [Fact]
    public void IsEnabled_NoFileSystem_IsNot()
    {
        File.Delete($"{_node.Paths.Kernel}/enforce");

        Assert.False(_node.Policy.IsEnabled);
    }

    [Fact]
    public void ReadDefaults_FileOfThePolicysType_IsRead()
    {
        var defaults = _node.Policy.ReadDefaults()!;

        Assert.Equal(SelinuxNode.Process, defaults.Process.ToString());
        Assert.Equal(SelinuxNode.File, defaults.File.ToString());
    }

    [Fact]
    public void ReadDefaults_CommentsBlanksAndQuotes_AreUnderstood()
    {
        _node.WriteContexts("\n# process = \"x\"\n;file=y\n  process=system_u:system_r:a_t:s0  \nfile\t=\t\"system_u:object_r:b_t:s0\"\nro_file = \"c\"\nnonsense\n= z\n");

        var defaults = _node.Policy.ReadDefaults()!;

        Assert.Equal(("a_t", "b_t"), (defaults.Process.Type, defaults.File.Type));
    }

    [Fact]
    public void ReadDefaults_FileForAllPolicies_ComesFirst()
    {
        SelinuxNode.Write(_node.Paths.Containers, "process = \"u:r:first_t:s0\"\nfile = \"u:r:file_t:s0\"\n");

        Assert.Equal("first_t", _node.Policy.ReadDefaults()!.Process.Type);
    }

    [Fact]
    public void ReadDefaults_NoType_IsTargeted()
    {
        File.Delete($"{_node.Paths.Settings}/config");
        SelinuxNode.Write($"{_node.Paths.Settings}/targeted/contexts/lxc_contexts", "process = \"u:r:t:s0\"\nfile = \"u:r:f:s0\"\n");

        Assert.Equal("t", _node.Policy.ReadDefaults()!.Process.Type);
    }

    [Theory]
    [InlineData("")]
    [InlineData("process = \"u:r:t:s0\"")]
    [InlineData("file = \"u:r:t:s0\"")]
    public void ReadDefaults_PolicyWithoutContainers_IsNone(string text)
    {
        _node.WriteContexts(text);
        Assert.Null(_node.Policy.ReadDefaults());

        File.Delete(_node.ContextsFile);
        Assert.Null(_node.Policy.ReadDefaults());
    }

    [Fact]
    public void ReadDefaults_NoContext_NamesTheFile()
    {
        _node.WriteContexts("process = \"container_t\"\nfile = \"u:r:f:s0\"");

        Assert.Contains(_node.ContextsFile, Assert.Throws<WrongStateException>(_node.Policy.ReadDefaults).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_ContextOfThePolicy_IsAskedOfTheKernel()
    {
        _node.Policy.Check("container web", SelinuxContext.TryParse(SelinuxNode.Process)!);

        Assert.Equal(SelinuxNode.Process, File.ReadAllText($"{_node.Paths.Kernel}/context"));
    }

    [Fact]
    public void Check_UnknownContext_IsRefused()
    {
        _node.ForgetContexts();

        var failure = Assert.Throws<InvalidRequestException>(() => _node.Policy.Check("container web", SelinuxContext.TryParse(SelinuxNode.Process)!));

        Assert.StartsWith("container web: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains(SelinuxNode.Process, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("u:r:t", "u:r:t", "")]
    [InlineData("u:r:t:s0-s0:c0.c1023", "u:r:t:s0-s0:c0.c1023", "s0-s0:c0.c1023")]
    public void TryParse_Context_IsWrittenBackAsItWas(string text, string written, string level)
    {
        var context = SelinuxContext.TryParse(text)!;

        Assert.Equal((written, level), (context.ToString(), context.Level));
    }

    [Theory]
    [InlineData("")]
    [InlineData("u:r")]
    [InlineData("u::t:s0")]
    [InlineData("u:r:t:")]
    public void TryParse_NoContext_IsNull(string text) => Assert.Null(SelinuxContext.TryParse(text));
}
