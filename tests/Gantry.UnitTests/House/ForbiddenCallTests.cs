using System.Text.RegularExpressions;
using Xunit;

namespace Gantry.UnitTests.House;

/// <summary>What no analyzer refuses, and this house does.</summary>
public sealed class ForbiddenCallTests
{
    [Theory]
    [InlineData(@"\.Result\b(?!\s*=)", "blocks a thread: await it")]
    [InlineData(@"\.Wait\(\)", "blocks a thread: await it")]
    [InlineData(@"\bTask\.Run\(", "a blocking call gets a named thread")]
    [InlineData(@"\basync void\b", "nobody can await it")]
    [InlineData(@"\bThread\.Sleep\(", "blocks a thread: await a delay")]
    [InlineData(@"\bDateTime\.(Now|UtcNow)\b", "time comes from TimeProvider")]
    [InlineData(@"\bSystem\.Diagnostics\.Process\b|\bProcess\.Start\(", "it reaps children that are not its own: use Gantry.Linux.Processes")]
    [InlineData(@"^\s*#region\b", "a region is a missing file")]
    [InlineData(@"\bFile\.WriteAll", "a reader may see half of it: use AtomicFile")]
    public void Sources_Engine_DoNotContain(string pattern, string reason)
    {
        var found = Search(["src/Gantry.Engine", "src/Gantry.Daemon", "src/Gantry.Linux", "src/Gantry.Monitor", "src/Gantry.Spdy", "src/Gantry.Yaml"], pattern);

        Assert.True(found.Count == 0, $"{reason}:\n{string.Join('\n', found)}");
    }

    [Fact]
    public void FileNames_SayWhatTheyHold()
    {
        var vague = SourceTree.Files("src").Where(path => Regex.IsMatch(Path.GetFileName(path), "(Helper|Util|Utils|Common|Manager)s?\\.cs$"));

        Assert.Empty(vague.Select(SourceTree.Relative));
    }

    [Fact]
    public void Imports_OutsideOfLinux_AreNone()
    {
        var found = Search(["src/Gantry.Engine", "src/Gantry.Daemon", "src/Gantry.Monitor", "src/Gantry.Cli", "src/Gantry.Spdy", "src/Gantry.Yaml"], @"\[(LibraryImport|DllImport)\(|\bunsafe\b");

        Assert.True(found.Count == 0, $"only Gantry.Linux holds system calls:\n{string.Join('\n', found)}");
    }

    private static List<string> Search(IEnumerable<string> folders, string pattern)
    {
        var regex = new Regex(pattern, RegexOptions.Multiline);
        return [.. folders.SelectMany(SourceTree.Files).SelectMany(path => Lines(path, regex))];
    }

    private static IEnumerable<string> Lines(string path, Regex regex) => File.ReadLines(path)
        .Select((line, index) => (Line: line, Number: index + 1))
        .Where(entry => !entry.Line.TrimStart().StartsWith("//", StringComparison.Ordinal) && regex.IsMatch(entry.Line))
        .Select(entry => $"{SourceTree.Relative(path)}:{entry.Number}: {entry.Line.Trim()}");
}
