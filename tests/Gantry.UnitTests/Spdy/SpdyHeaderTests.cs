using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using CsCheck;
using Gantry.Spdy;
using Gantry.Spdy.Headers;
using Xunit;

namespace Gantry.UnitTests.Spdy;

public sealed class SpdyHeaderTests
{
    [Fact]
    public void Dictionary_OfTheProtocol_HasItsLengthAndId()
    {
        Assert.Equal(1423, SpdyDictionary.Bytes.Length);
        Assert.Equal(0xe3c6a7c2, SpdyDictionary.Id);
    }

    /// <summary>Three blocks of one stream as zlib makes them, with the flush that ends at a byte and with the one that does not.</summary>
    [Theory]
    [InlineData("78f9e3c6a7c202a62346703a2b294a4dcc851625aca9a08006000000ffff", "c22e555c02cc2e00000000ffff", "0225550c295001940829cb8bc0d9c6c2c0c20048731641e23e139427980ccd01000000ffff")]
    [InlineData("78f9e3c6a7c202a62346703a2b294a4dcc851625aca9a0800608", "20ec52c525c0ec0210", "40a0a48a21052a80122165791138db581858180069ce2248dc6782f20493a13940")]
    public void Decompressor_BlocksOfZlib_GivesTheHeaders(string first, string second, string third)
    {
        var decompressor = new HeaderDecompressor();

        var headers = new[] { first, second, third }.Select(hex => SpdyHeaderBlock.Read(decompressor.Read(Convert.FromHexString(hex)))).ToList();

        Assert.Equal([new("streamtype", "error")], headers[0]);
        Assert.Equal([new("streamtype", "stdin")], headers[1]);
        Assert.Equal([new("streamtype", "data"), new("port", "8080"), new("requestid", "17")], headers[2]);
        Assert.Equal("17", headers[2]["requestID"]);
    }

    [Fact]
    public void Decompressor_AnyTextInAnyPieces_IsWhatDeflateCompressed() =>
        Gen.Select(Texts.Array[1, 5], Gen.Int[1, 60], Gen.OneOf(Gen.Const(CompressionLevel.SmallestSize), Gen.Const(CompressionLevel.Fastest), Gen.Const(CompressionLevel.NoCompression)))
            .Sample((texts, piece, level) =>
            {
                var compressed = Deflate(texts, level);
                var decompressor = new HeaderDecompressor();
                using var result = new MemoryStream();

                for (var at = 0; at < compressed.Length; at += piece)
                    result.Write(decompressor.Read(compressed.AsSpan(at, Math.Min(piece, compressed.Length - at))));

                Assert.Equal(texts.SelectMany(text => text), result.ToArray());
            });

    [Fact]
    public void Decompressor_AnyBytes_GivesALimitedBlockOrASpdyException() =>
        Gen.Select(Gen.Byte.Array[0, 400], Gen.Bool).Sample((bytes, isBegun) =>
        {
            var decompressor = new HeaderDecompressor();
            try
            {
                byte[] start = isBegun ? [0x78, 0xf9, 0xe3, 0xc6, 0xa7, 0xc2] : [];
                Assert.True(decompressor.Read([.. start, .. bytes]).Length <= HeaderDecompressor.LongestBlock);
                decompressor.Read(bytes);
            }
            catch (SpdyException)
            {
                // The one answer to bytes that are no headers.
            }
        });

    [Fact]
    public void Decompressor_ABomb_IsRefused()
    {
        var compressed = Deflate([new byte[10 << 20]], CompressionLevel.SmallestSize);
        Assert.True(compressed.Length < 64 << 10);

        Assert.Throws<SpdyException>(() => new HeaderDecompressor().Read(compressed));
    }

    [Theory]
    [InlineData("1f8b", "zlib")]
    [InlineData("78f900000000", "dictionary")]
    [InlineData("789c03", "ends")]
    [InlineData("789c06", "kind")]
    [InlineData("789c00ffff1111", "length")]
    public void Decompressor_WrongStream_IsRefused(string hex, string word)
    {
        var failure = Assert.Throws<SpdyException>(() => new HeaderDecompressor().Read(Convert.FromHexString(hex)));

        Assert.Contains(word, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compressor_BlocksOneAfterTheOther_AreOneZlibStream()
    {
        var compressor = new HeaderCompressor();
        var decompressor = new HeaderDecompressor();
        var previous = 0;
        var target = new ArrayBufferWriter<byte>();
        foreach (var length in new[] { 1, 40, 70_000 - 65_535, 65_535 })
        {
            var block = Enumerable.Range(0, length).Select(n => (byte)n).ToArray();
            compressor.Write(target, block);
            Assert.Equal(block, decompressor.Read(target.WrittenSpan[previous..]).ToArray());
            // An empty block ends each: Go's inflater waits for it.
            Assert.Equal("000000ffff", Convert.ToHexStringLower(target.WrittenSpan[^5..]));
            previous = target.WrittenCount;
        }

        Assert.Equal("78bbe3c6a7c2", Convert.ToHexStringLower(target.WrittenSpan[..6]));
        Assert.Equal(0, BinaryPrimitives.ReadUInt16BigEndian(target.WrittenSpan) % 31);
    }

    [Fact]
    public void HeaderBlock_AnyHeaders_SurviveTheWire() =>
        Gen.Dictionary(Gen.Char["abcdefgh-"].Array[1, 8].Select(chars => new string(chars)), Gen.Char["ab09 /\0"].Array[0, 20].Select(chars => new string(chars)))[0, 10].Sample(headers =>
        {
            var target = new ArrayBufferWriter<byte>();

            SpdyHeaderBlock.Write(target, headers);

            Assert.Equal(headers.OrderBy(one => one.Key), SpdyHeaderBlock.Read(target.WrittenSpan).OrderBy(one => one.Key));
        });

    [Theory]
    [InlineData("")]
    [InlineData("ffffffff")]
    [InlineData("00000001")]
    [InlineData("00000001" + "7fffffff" + "61")]
    [InlineData("00000001" + "00000001" + "41" + "00000000")]
    [InlineData("00000001" + "00000000" + "00000000")]
    [InlineData("00000002" + "00000001" + "61" + "00000000" + "00000001" + "61" + "00000000")]
    [InlineData("00000000" + "00")]
    public void HeaderBlock_LengthsOrNamesThatAreWrong_AreRefused(string hex) =>
        Assert.Throws<SpdyException>(() => SpdyHeaderBlock.Read(Convert.FromHexString(hex)));

    private static Gen<byte[]> Texts => Gen.OneOf(
        Gen.Byte.Array[0, 500],
        Gen.Select(Gen.Byte["aab\0".Select(c => (byte)c).Min(), 120].Array[1, 20], Gen.Int[1, 200], (part, times) => Enumerable.Repeat(part, times).SelectMany(one => one).ToArray()),
        Gen.Char["eeetaoins hr"].Array[0, 3000].Select(chars => chars.Select(c => (byte)c).ToArray()));

    /// <summary>A zlib stream without a dictionary whose blocks are each flushed.</summary>
    private static byte[] Deflate(byte[][] texts, CompressionLevel level)
    {
        using var target = new MemoryStream();
        target.Write([0x78, 0x9c]);
        using var deflate = new DeflateStream(target, level, leaveOpen: true);
        foreach (var text in texts)
        {
            deflate.Write(text);
            deflate.Flush();
        }
        return target.ToArray();
    }
}
