using Gantry.Persistence;
using Xunit;

namespace Gantry.UnitTests.Persistence;

public sealed class AtomicFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gantry-atomic-").FullName;

    private string Target => Path.Combine(_folder, "state.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Write_OverAnother_ReplacesItAndLeavesNothingBeside()
    {
        AtomicFile.Write(Target, "a long old content");
        AtomicFile.Write(Target, "new");

        Assert.Equal("new", File.ReadAllText(Target));
        Assert.Equal([Target], Directory.GetFiles(_folder));
    }

    [Fact]
    public void Write_Mode_IsTheOneThatWasAsked()
    {
        AtomicFile.Write(Target, "x");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Target));

        AtomicFile.Write(Target, "x", UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.OtherRead, File.GetUnixFileMode(Target));
    }

    [Fact]
    public void Write_FailsAtTheRename_OldContentStaysAndNothingIsLeft()
    {
        Directory.CreateDirectory(Target);
        Directory.CreateDirectory(Path.Combine(Target, "full"));

        Assert.ThrowsAny<Exception>(() => AtomicFile.Write(Target, "new"));

        Assert.Equal([Target], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Write_SymbolicLinkInItsPlace_IsReplacedAndNotFollowed()
    {
        var victim = Path.Combine(_folder, "victim");
        File.WriteAllText(victim, "untouched");
        File.CreateSymbolicLink(Target, victim);

        AtomicFile.Write(Target, "new");

        Assert.Equal("untouched", File.ReadAllText(victim));
        Assert.Null(new FileInfo(Target).LinkTarget);
    }

    [Fact]
    public async Task Write_ManyWriters_ReadersSeeWholeContents()
    {
        AtomicFile.Write(Target, new string('0', 5000));
        var end = false;
        var writing = Task.WhenAll(Enumerable.Range(0, 4).Select(writer => Task.Run(() =>
        {
            for (var n = 0; n < 200; n++)
                AtomicFile.Write(Target, new string((char)('0' + writer), 5000));
        }))).ContinueWith(_ => end = true, TaskScheduler.Default);
        while (!end)
        {
            var text = File.ReadAllText(Target);
            Assert.True(text.Length == 5000 && text.All(c => c == text[0]));
        }
        await writing;
    }
}
