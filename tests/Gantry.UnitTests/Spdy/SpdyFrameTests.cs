using System.Buffers;
using System.Buffers.Binary;
using CsCheck;
using Gantry.Spdy;
using Gantry.Spdy.Frames;
using Xunit;

namespace Gantry.UnitTests.Spdy;

public sealed class SpdyFrameTests
{
    [Fact]
    public void Writer_EachControlFrame_HasTheProtocolsBytes()
    {
        Assert.Equal("80030001" + "01000011" + "00000005" + "00000000" + "0000" + "01020304050607", Hex(target => SpdyFrameWriter.WriteSynStream(target, 5, SpdyFlags.Finish, [1, 2, 3, 4, 5, 6, 7])));
        Assert.Equal("80030002" + "00000006" + "00000003" + "0908", Hex(target => SpdyFrameWriter.WriteSynReply(target, 3, SpdyFlags.None, [9, 8])));
        Assert.Equal("80030003" + "00000008" + "00000007" + "00000005", Hex(target => SpdyFrameWriter.WriteReset(target, 7, SpdyResetReason.Cancel)));
        Assert.Equal("80030006" + "00000004" + "00000009", Hex(target => SpdyFrameWriter.WritePing(target, 9)));
        Assert.Equal("80030007" + "00000008" + "0000000b" + "00000001", Hex(target => SpdyFrameWriter.WriteGoAway(target, 11, SpdyGoAwayReason.ProtocolError)));
        Assert.Equal("80030009" + "00000008" + "00000003" + "00010000", Hex(target => SpdyFrameWriter.WriteWindowUpdate(target, 3, 65536)));
    }

    [Fact]
    public void Writer_DataHeader_HasStreamFlagsAndLength()
    {
        var header = new byte[8];

        SpdyFrameWriter.WriteDataHeader(header, 3, SpdyFlags.Finish, 0x012345);

        Assert.Equal("0000000301012345", Convert.ToHexStringLower(header));
    }

    [Fact]
    public void Reader_BytesInAnyPieces_GivesTheSameFrames() =>
        Gen.Select(Gen.Select(Gen.Int[1, 9], Gen.Byte.Array[0, 300], Gen.Bool).Array[1, 8], Gen.Int[1, 40]).Sample((frames, piece) =>
        {
            var written = new ArrayBufferWriter<byte>();
            foreach (var (stream, payload, isData) in frames)
                Write(written, stream, payload, isData);

            var read = ReadAll(written.WrittenMemory, piece);

            var expected = frames.Select(frame => frame.Item3
                ? $"data {frame.Item1} {Convert.ToHexString(frame.Item2)} end"
                : $"SynReply {Convert.ToHexString([0, 0, 0, (byte)frame.Item1, .. frame.Item2])}");
            Assert.Equal(expected, read);
        });

    [Fact]
    public void Reader_AnyBytes_GivesFramesOrASpdyException() =>
        Gen.Select(Gen.Byte.Array[0, 200], Gen.Int[1, 50]).Sample((bytes, piece) =>
        {
            try
            {
                ReadAll(bytes, piece);
            }
            catch (SpdyException)
            {
                // The one answer to bytes that are no SPDY.
            }
        });

    [Theory]
    [InlineData("8002000600000004000000010", "version")]
    [InlineData("80030001ffffffff", "bytes")]
    [InlineData("0000000000000000", "stream 0")]
    public void Reader_WrongHeader_IsRefusedBeforeItsPayloadComes(string hex, string word)
    {
        var input = new ReadOnlySequence<byte>(Convert.FromHexString(hex[..16]));

        var failure = Assert.Throws<SpdyException>(() => new SpdyFrameReader().TryRead(ref input, out _));

        Assert.Contains(word, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reader_LongDataFrame_IsGivenAsItComes()
    {
        var header = new byte[8];
        SpdyFrameWriter.WriteDataHeader(header, 1, SpdyFlags.Finish, 1 << 20);
        var reader = new SpdyFrameReader();
        var input = new ReadOnlySequence<byte>([.. header, 1, 2, 3]);

        Assert.True(reader.TryRead(ref input, out var frame));

        Assert.Equal([1, 2, 3], frame.Payload.ToArray());
        Assert.Equal(SpdyFlags.None, frame.Flags);
        Assert.False(reader.TryRead(ref input, out _));
    }

    private static void Write(ArrayBufferWriter<byte> target, int stream, byte[] payload, bool isData)
    {
        if (!isData)
        {
            SpdyFrameWriter.WriteSynReply(target, stream, SpdyFlags.None, payload);
            return;
        }
        SpdyFrameWriter.WriteDataHeader(target.GetSpan(8), stream, SpdyFlags.Finish, payload.Length);
        target.Advance(8);
        target.Write(payload);
    }

    /// <summary>Reads as a connection does: more bytes are added when the reader asks for them.</summary>
    private static List<string> ReadAll(ReadOnlyMemory<byte> bytes, int piece)
    {
        var reader = new SpdyFrameReader();
        var found = new List<string>();
        var data = "";
        var start = 0;
        for (var end = Math.Min(piece, bytes.Length); ; end = Math.Min(end + piece, bytes.Length))
        {
            var input = new ReadOnlySequence<byte>(bytes[start..end]);
            var length = input.Length;
            while (reader.TryRead(ref input, out var frame))
            {
                if (frame.Kind is not SpdyFrameKind.Data)
                {
                    found.Add($"{frame.Kind} {Convert.ToHexString(frame.Payload.ToArray())}");
                    continue;
                }
                data += Convert.ToHexString(frame.Payload.ToArray());
                if ((frame.Flags & SpdyFlags.Finish) != 0)
                {
                    found.Add($"data {frame.StreamId} {data} end");
                    data = "";
                }
            }
            start += (int)(length - input.Length);
            if (end == bytes.Length)
                return found;
        }
    }

    private static string Hex(Action<IBufferWriter<byte>> write)
    {
        var target = new ArrayBufferWriter<byte>();
        write(target);
        Assert.Equal(target.WrittenCount - 8, (int)(BinaryPrimitives.ReadUInt32BigEndian(target.WrittenSpan[4..]) & 0xffffff));
        return Convert.ToHexStringLower(target.WrittenSpan);
    }
}
