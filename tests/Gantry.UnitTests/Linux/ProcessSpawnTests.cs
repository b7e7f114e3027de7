using Gantry.Linux;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Processes;
using Xunit;

namespace Gantry.UnitTests.Linux;

public sealed class ProcessSpawnTests
{
    private const int DuplicateAbove = 1030;

    [Fact]
    public void Start_SourcesOfHighNumbers_ArriveUnderTheChildsNumbers()
    {
        using var pipe = Pipe.Open();
        using var filler = RegularFileOf("/dev/null");
        // A daemon with a hundred pods has pipes of such numbers.
        using var high = new FileDescriptor(LibC.FileControl(pipe.Writer.Number, DuplicateAbove, 100));
        // At every place of the child's at which a copy that is made on the way could take the source's own number.
        var place = high.Number - 100 + 1;
        FileDescriptor[] descriptors = [.. Enumerable.Repeat(filler, place), high];

        var pid = ProcessSpawn.Start(new SpawnRequest("/bin/bash", ["-c", $"echo arrived >&{place}"]) { Descriptors = descriptors });

        Assert.Equal(0, ProcessWait.Reap(pid));
        pipe.Writer.Dispose();
        high.Dispose();
        var buffer = new byte[100];
        Assert.Equal(IoOutcome.Done, DescriptorIo.Read(pipe.Reader, buffer, out var count));
        Assert.Equal("arrived\n"u8, buffer.AsSpan(0, count));
    }

    [Fact]
    public void Start_ByAThreadThatYieldsToOthers_StartsAProgramThatDoesNot()
    {
        var own = int.Parse(File.ReadAllText("/proc/self/stat").Split(") ")[^1].Split(' ')[16], System.Globalization.CultureInfo.InvariantCulture);
        var code = -1;
        var thread = new Thread(() =>
        {
            ThreadNiceness.YieldToOthers();
            code = ProcessWait.Reap(ProcessSpawn.Start(new SpawnRequest("/bin/bash", ["-c", "exit $(nice)"])));
        });

        thread.Start();
        thread.Join();

        Assert.Equal(own, code);
    }

    private static FileDescriptor RegularFileOf(string path) => Gantry.Linux.Files.RegularFile.Open(path, 2);
}
