using System.Text;
using Gantry.Images.Unpacking;
using Xunit;

namespace Gantry.UnitTests.Images.Unpacking;

public sealed class TarReaderTests
{
    [Fact]
    public void Next_LongNamesAndPax_WinOverTheHeader()
    {
        var entries = Read(new TarBuilder()
            .Add("L", 'L', content: [.. Encoding.ASCII.GetBytes(new string('a', 300)), 0]).File("short", "x")
            .Pax(("path", "pax"), ("size", "3"), ("uid", "3000000000"), ("mtime", "-1.25"), ("comment", "")).Add("short", '0', content: "abc"u8.ToArray(), size: 3)
            .Pax(("path", "")).File("named", ""));

        Assert.Equal(new string('a', 300), entries[0]);
        Assert.Equal("pax 3000000000 -2.750000000 abc", entries[1]);
        Assert.Equal("named", entries[2]);
    }

    [Fact]
    public void Next_SizeOfThingsWithoutContent_IsIgnored()
    {
        var entries = Read(new TarBuilder().Add("link", '2', "target", size: 1000).File("next", ""));

        Assert.Equal(["link", "next"], entries);
    }

    [Theory]
    [InlineData("5 path=x\n")]
    [InlineData("999999999 path=x\n")]
    [InlineData("99 path=x\n")]
    [InlineData("+9 path=x\n")]
    [InlineData("7 =abc\n")]
    [InlineData("10 path=a\0b\n")]
    [InlineData("11 size=+12\n")]
    public void Next_MalformedPax_IsRefused(string records) =>
        Assert.Throws<InvalidDataException>(() => Read(
            new TarBuilder().Add("P", 'x', content: Encoding.Latin1.GetBytes(records)).File("f")));

    [Theory]
    [InlineData('x')]
    [InlineData('L')]
    [InlineData('K')]
    [InlineData('g')]
    public void Next_HugeHeaderContent_IsRefusedWithoutReadingIt(char type) =>
        Assert.Throws<InvalidDataException>(() => Read(new TarBuilder().Add("h", type, size: 4L << 30)));

    [Fact]
    public void Next_PathAboveTheLimit_IsRefused() =>
        Assert.Throws<InvalidDataException>(() => Read(new TarBuilder().Pax(("path", new string('p', 4097))).File("f")));

    [Fact]
    public void Next_WrongChecksumOrCutHeader_IsRefused()
    {
        var good = new TarBuilder().File("f", "x").Build();
        var bad = (byte[])good.Clone();
        bad[0] ^= 1;

        Assert.Throws<InvalidDataException>(() => Read(bad));
        Assert.Throws<InvalidDataException>(() => Read(good[..300]));
        Assert.Throws<InvalidDataException>(() => Read(good[..512]));
    }

    [Fact]
    public void Next_SparseMapVersion1_GivesPieces()
    {
        var content = new byte[512 + 6];
        "2\n0\n3\n100\n3\n"u8.CopyTo(content);
        "abcdef"u8.CopyTo(content.AsSpan(512));
        using var reader = new TarReader(new MemoryStream(new TarBuilder()
            .Pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "real"), ("GNU.sparse.realsize", "200"))
            .Add("GNUSparseFile.0/real", '0', content: content).Build()));

        var entry = reader.Next(CancellationToken.None)!;

        Assert.Equal("real", Encoding.ASCII.GetString(entry.Path));
        Assert.Equal([new SparsePiece(0, 3), new SparsePiece(100, 3)], entry.Sparse);
        Assert.Equal((6L, 200L), (entry.Size, entry.FileLength));
    }

    [Fact]
    public void ParseField_Base256_IsSignedAndBounded()
    {
        Assert.Equal(1L << 33, TarNumber.ParseField([0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0], "n"));
        Assert.Equal(-1, TarNumber.ParseField([.. Enumerable.Repeat((byte)0xFF, 12)], "n"));
        Assert.Equal(5, TarNumber.ParseField([0x80, 0, 0, 0, 0, 0, 0, 5], "n"));
        Assert.Throws<InvalidDataException>(() => TarNumber.ParseField([0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "n"));
        Assert.Throws<InvalidDataException>(() => TarNumber.ParseField("12x"u8, "n"));
        Assert.Throws<InvalidDataException>(() => TarNumber.ParseDecimal("1\0"u8, "n"));
    }

    private static List<string> Read(TarBuilder archive) => Read(archive.Build());

    private static List<string> Read(byte[] archive)
    {
        using var reader = new TarReader(new MemoryStream(archive));
        var found = new List<string>();
        while (reader.Next(CancellationToken.None) is { } entry)
        {
            var text = Encoding.Latin1.GetString(entry.Path);
            if (entry.ModifiedSeconds < 0)
            {
                var content = reader.ReadContent(CancellationToken.None);
                text += $" {entry.Uid} {entry.ModifiedSeconds}.{entry.ModifiedNanoseconds:D9} {Encoding.Latin1.GetString(content)}";
            }
            found.Add(text);
        }
        return found;
    }
}
