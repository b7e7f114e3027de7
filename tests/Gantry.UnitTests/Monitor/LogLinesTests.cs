extern alias monitor;

using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using Gantry.Linux.Descriptors;
using monitor::Gantry.Monitor;
using Xunit;

namespace Gantry.UnitTests.Monitor;

/// <summary>The CRI's log format, on real pipes and files.</summary>
public sealed partial class LogLinesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gantry-log-").FullName;

    private string Target => Path.Combine(_folder, "0.log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Read_Lines_HaveTimeStreamTagAndText()
    {
        Write("out\n\n  spaces  \n"u8.ToArray());

        var lines = File.ReadAllLines(Target);
        Assert.All(lines, line => Assert.Matches(Format(), line));
        Assert.Equal(["F out", "F ", "F   spaces  "], lines.Select(line => line[(line.IndexOf("stdout ", StringComparison.Ordinal) + 7)..]));
    }

    [Theory]
    [InlineData(16384, "P F")]
    [InlineData(16383, "F")]
    [InlineData(16385, "P F")]
    [InlineData(40000, "P P F")]
    public void Read_LongLine_IsSplitIntoParts(int length, string tags)
    {
        Write(Encoding.ASCII.GetBytes(new string('x', length) + "\n"));

        var entries = Read();
        Assert.Equal(tags, string.Join(' ', entries.Select(entry => entry.Tag)));
        Assert.Equal(length, entries.Sum(entry => entry.Content.Length));
        Assert.All(entries, entry => Assert.True(entry.Content.Length <= 16384));
    }

    [Fact]
    public void Read_NoNewlineAtTheEnd_IsAWholeLine()
    {
        Write("first\nlast without"u8.ToArray());

        Assert.Equal([("F", "first"), ("F", "last without")], Read().Select(entry => (entry.Tag, Encoding.ASCII.GetString(entry.Content))));
    }

    [Fact]
    public void Read_BytesThatAreNoText_AreKept()
    {
        byte[] line = [0, 0xff, 0xfe, (byte)'\r', 0x1b, 0x80];
        Write([.. line, (byte)'\n']);

        Assert.Equal(line, Assert.Single(Read()).Content);
    }

    [Fact]
    public void Read_AnyBytesInAnyPieces_ComeBackWhole()
    {
        Gen.Select(Gen.Byte.Array[0, 60_000], Gen.Int[1, 20_000]).Sample(
            (bytes, piece) =>
            {
                // Newlines are what matters most.
                for (var n = 0; n < bytes.Length; n += 1 + (bytes[n] % 97))
                    bytes[n] = (byte)'\n';
                File.Delete(Target);
                Write(bytes, piece);
                var joined = new List<byte>();
                foreach (var entry in Read())
                {
                    joined.AddRange(entry.Content);
                    if (entry.Tag == "F")
                        joined.Add((byte)'\n');
                }
                var expected = bytes.Length == 0 || bytes[^1] == '\n' ? bytes : [.. bytes, (byte)'\n'];
                return joined.SequenceEqual(expected) || IsCutAtALimit(bytes, joined);
            },
            iter: 40, threads: 1);
    }

    [Fact]
    public void Open_Again_GoesOnInTheNewFile()
    {
        var log = new LogFile(Target);
        log.Open();
        log.Add("t"u8, "stdout"u8, isWhole: true, "one"u8);
        log.Flush();
        File.Move(Target, Target + ".old");
        log.Open();
        log.Add("t"u8, "stdout"u8, isWhole: true, "two"u8);
        log.Flush();

        Assert.Equal("t stdout F one\n", File.ReadAllText(Target + ".old"));
        Assert.Equal("t stdout F two\n", File.ReadAllText(Target));
    }

    [Fact]
    public void Open_FileIsThere_IsAppendedTo()
    {
        File.WriteAllText(Target, "before\n");
        Write("after\n"u8.ToArray());

        var lines = File.ReadAllLines(Target);
        Assert.Equal("before", lines[0]);
        Assert.EndsWith("stdout F after", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Open_LinkInItsPlace_IsRefusedAndNotFollowed()
    {
        var victim = Path.Combine(_folder, "victim");
        File.WriteAllText(victim, "untouched");
        File.CreateSymbolicLink(Target, victim);

        Assert.ThrowsAny<IOException>(new LogFile(Target).Open);
        Assert.Equal("untouched", File.ReadAllText(victim));
    }

    [Fact]
    public void Open_FailsAgain_OldFileStaysInUse()
    {
        var log = new LogFile(Target);
        log.Open();
        var moved = Path.Combine(_folder, "moved");
        Directory.CreateDirectory(moved);
        File.Move(Target, Path.Combine(moved, "0.log"));
        Directory.CreateDirectory(Target);

        Assert.ThrowsAny<IOException>(log.Open);
        log.Add("t"u8, "stdout"u8, isWhole: true, "kept"u8);
        log.Flush();

        Assert.Equal("t stdout F kept\n", File.ReadAllText(Path.Combine(moved, "0.log")));
    }

    [Fact]
    public void Add_NoPath_DropsEverything()
    {
        var log = new LogFile("");
        log.Open();
        log.Add("t"u8, "stdout"u8, isWhole: true, "x"u8);
        log.Flush();

        Assert.Equal(0, log.Dropped);
    }

    /// <summary>A stream that ends right behind a full part has nothing left for its last line: it ends with a P.</summary>
    private static bool IsCutAtALimit(byte[] bytes, List<byte> joined) =>
        bytes.Length > 0 && joined.Count == bytes.Length && joined.SequenceEqual(bytes) && (bytes.Length - 1 - Array.LastIndexOf(bytes, (byte)'\n')) % 16384 == 0;

    private void Write(byte[] bytes, int piece = 1 << 20)
    {
        var log = new LogFile(Target);
        log.Open();
        var lines = new LogLines(log, "stdout"u8.ToArray());
        using var pipe = Pipe.Open();
        Pipe.SetNonBlocking(pipe.Reader);
        for (var at = 0; at < bytes.Length; at += Math.Min(piece, 30_000))
        {
            Assert.True(DescriptorIo.WriteAll(pipe.Writer, bytes.AsSpan(at, Math.Min(Math.Min(piece, 30_000), bytes.Length - at))));
            Assert.True(lines.Read(pipe.Reader));
        }
        pipe.Writer.Dispose();
        // A process that another test starts at this moment has the pipe's end too, until its exec.
        Assert.True(SpinWait.SpinUntil(() => !lines.Read(pipe.Reader), TimeSpan.FromSeconds(20)));
    }

    private List<(string Tag, byte[] Content)> Read()
    {
        var entries = new List<(string, byte[])>();
        foreach (var line in Encoding.Latin1.GetString(File.ReadAllBytes(Target)).Split('\n')[..^1])
        {
            var parts = line.Split(' ', 4);
            entries.Add((parts[2], Encoding.Latin1.GetBytes(parts[3])));
        }
        return entries;
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) [FP] ")]
    private static partial Regex Format();
}
