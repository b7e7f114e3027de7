using Xunit;

namespace Gantry.UnitTests.House;

public sealed class FileSizeTests
{
    private const int MostLines = 400;
    private const int MostFiles = 25;

    [Fact]
    public void Files_OfAllProjects_AreOneIdeaLong()
    {
        var tooLong = SourceTree.Files("src").Concat(SourceTree.Files("tests"))
            .Select(path => (Path: SourceTree.Relative(path), Lines: File.ReadLines(path).Count()))
            .Where(file => file.Lines > MostLines)
            .Select(file => $"{file.Path}: {file.Lines}");

        Assert.Empty(tooLong);
    }

    [Fact]
    public void Folders_OfTheSources_HoldFewFiles()
    {
        var tooFull = SourceTree.Files("src").GroupBy(path => Path.GetDirectoryName(path)!)
            .Where(folder => folder.Count() > MostFiles)
            .Select(folder => $"{SourceTree.Relative(folder.Key)}: {folder.Count()}");

        Assert.Empty(tooFull);
    }
}
