using System.Text.RegularExpressions;
using Xunit;

namespace Gantry.UnitTests.House;

public sealed partial class FolderOrderTests
{
    private static readonly string[] _order =
    [
        "Faults", "Identity", "Concurrency", "Persistence", "Telemetry", "Events", "Cgroups", "Snapshots", "Images", "Networking", "Oci",
        "Monitoring", "Containers", "Pods", "Statistics", "Recovery",
    ];

    [Fact]
    public void Engine_EveryFolder_UsesOnlyThoseToItsLeft()
    {
        var wrong = new List<string>();
        foreach (var file in SourceTree.Files("src/Gantry.Engine"))
        {
            var folder = SourceTree.Relative(file).Split('/')[2];
            var own = Array.IndexOf(_order, folder);
            if (own < 0)
                wrong.Add($"{SourceTree.Relative(file)}: folder {folder} has no place in the order");
            foreach (Match use in Using().Matches(File.ReadAllText(file)))
            {
                var other = Array.IndexOf(_order, use.Groups[1].Value);
                if (other > own)
                    wrong.Add($"{SourceTree.Relative(file)} uses Gantry.{use.Groups[1].Value}");
            }
        }

        Assert.Empty(wrong);
    }

    [GeneratedRegex(@"^using (?:static )?Gantry\.(\w+)", RegexOptions.Multiline)]
    private static partial Regex Using();
}
