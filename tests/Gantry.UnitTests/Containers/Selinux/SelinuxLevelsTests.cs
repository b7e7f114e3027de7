using System.Text.RegularExpressions;
using Gantry.Containers.Selinux;
using Gantry.Faults;
using Xunit;

namespace Gantry.UnitTests.Containers.Selinux;

public sealed partial class SelinuxLevelsTests
{
    [Fact]
    public void Take_Many_AreTwoCategoriesInOrderAndAllDifferent()
    {
        var levels = new SelinuxLevels();

        var taken = Enumerable.Range(0, 2000).Select(_ => levels.Take("s0", () => []).Level).ToList();

        Assert.Equal(taken.Count, taken.Distinct().Count());
        Assert.All(taken, level =>
        {
            var match = Pair().Match(level);
            Assert.True(match.Success, level);
            var (first, second) = (int.Parse(match.Groups[1].Value), int.Parse(match.Groups[2].Value));
            Assert.True(first < second && second < 1024, level);
        });
    }

    [Fact]
    public void Take_OneIsFree_IsThatOneUntilItIsHeld()
    {
        var levels = new SelinuxLevels();
        var used = All().Where(level => level != "s0:c7,c9").ToList();

        using (var held = levels.Take("s0", () => used))
        {
            Assert.Equal("s0:c7,c9", held.Level);
            Assert.Throws<ResourceExhaustedException>(() => levels.Take("s0", () => used));
        }

        Assert.Equal("s0:c7,c9", levels.Take("s0", () => used).Level);
    }

    private static IEnumerable<string> All() =>
        from first in Enumerable.Range(0, 1023)
        from second in Enumerable.Range(first + 1, 1023 - first)
        select $"s0:c{first},c{second}";

    [GeneratedRegex(@"^s0:c(\d+),c(\d+)\z")]
    private static partial Regex Pair();
}
