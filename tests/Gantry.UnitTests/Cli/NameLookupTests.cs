using Gantry.Cli;
using Gantry.Cli.Naming;
using Xunit;

namespace Gantry.UnitTests.Cli;

public sealed class NameLookupTests
{
    private static readonly string _a = "aa11" + new string('0', 60);
    private static readonly string _b = "aa22" + new string('0', 60);

    private static readonly Inventory _inventory = new(
        [
            Pod(_a, "shop", "web", 10, Container("c1", "nginx", 11), Container("c2", "sidecar", 12)),
            Pod(_b, "default", "db", 20, Container("c3", "postgres", 21, "Exited"), Container("c4", "postgres", 22)),
            Pod("cc" + new string('0', 62), "other", "web", 5),
        ],
        IsGantry: true);

    [Theory]
    [InlineData("db")]
    [InlineData("default/db")]
    [InlineData("aa22")]
    public void FindPod_NamePrefixOrId_IsIt(string name) => Assert.Equal(_b, _inventory.FindPod(name)!.Id);

    [Theory]
    [InlineData("web", "shop/web")]
    [InlineData("aa", "write more of the id")]
    public void FindPod_Ambiguous_SaysBetweenWhat(string name, string words) =>
        Assert.Contains(words, Assert.Throws<CommandException>(() => _inventory.FindPod(name)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("nginx", "c1")]
    [InlineData("web/sidecar", "c2")]
    [InlineData("shop/web/nginx", "c1")]
    [InlineData("db/postgres", "c4")]
    public void FindContainer_Names_MeanTheNewest(string name, string id) =>
        Assert.StartsWith(id, _inventory.FindContainer(name)!.Value.Container.Id, StringComparison.Ordinal);

    [Fact]
    public void Find_Nothing_IsNotFound() => Assert.Equal(ExitCode.NotFound, Assert.Throws<CommandException>(() => _inventory.Find("nothing")).ExitCode);

    [Fact]
    public void FindOne_PodOfSeveral_AsksForChoice()
    {
        var failure = Assert.Throws<CommandException>(() => _inventory.FindOne("shop/web", null, _ => { }));

        Assert.Equal(ExitCode.Usage, failure.ExitCode);
        Assert.Contains("-c", failure.Message, StringComparison.Ordinal);
        Assert.StartsWith("c2", _inventory.FindOne("shop/web", "sidecar", _ => { }).Container.Id, StringComparison.Ordinal);
        Assert.Contains("not found in pod", Assert.Throws<CommandException>(() => _inventory.FindOne("shop/web", "none", _ => { })).Message, StringComparison.Ordinal);
    }

    private static NodePod Pod(string id, string space, string name, long created, params NodeContainer[] containers) =>
        new() { Id = id, Name = name, Namespace = space, Uid = "u", Phase = "Running", CreatedAt = created, Containers = containers };

    private static NodeContainer Container(string id, string name, long created, string state = "Running") =>
        new() { Id = id + new string('f', 62), Name = name, Image = "i", State = state, CreatedAt = created };
}
