using System.IO.Pipelines;
using System.Text;
using CsCheck;
using Gantry.Streaming;
using Xunit;

namespace Gantry.UnitTests.Streaming;

public sealed class TerminalSizesTests
{
    [Fact]
    public async Task ReadAsync_SeveralObjects_TellsEach() =>
        Assert.Equal([(80, 24), (100, 30), (7, 8)], await ReadAsync("{\"Width\":80,\"Height\":24}\n{\"Width\":100,\"Height\":30}{ \"height\" : 8, \"other\": \"x\", \"width\":7 }", 1000));

    [Theory]
    [InlineData("{\"Width\":0,\"Height\":24}")]
    [InlineData("{\"Width\":-5,\"Height\":24}")]
    [InlineData("{\"Width\":1e9,\"Height\":99999999999}")]
    [InlineData("{\"Width\":\"80\",\"Height\":24}")]
    [InlineData("{}")]
    [InlineData("}}}}")]
    [InlineData("[1,2]}")]
    [InlineData("{\"Width\":80,")]
    public async Task ReadAsync_WhatIsNoSize_IsPassedOver(string text) => Assert.Equal([(1, 2)], await ReadAsync(text + "}{\"Width\":1,\"Height\":2}", 1000));

    [Fact]
    public Task ReadAsync_AnyBytesInAnyPieces_EndsAndTellsWhatFollows() =>
        Gen.Select(Gen.Byte.Array[0, 5000], Gen.Int[1, 700]).SampleAsync(async (noise, piece) =>
        {
            var text = Encoding.Latin1.GetString(noise) + "}" + new string(' ', 1100) + "}{\"Width\":3,\"Height\":4}";

            Assert.Equal((3, 4), (await ReadAsync(text, piece))[^1]);
        }, iter: 100);

    [Fact]
    public Task ReadAsync_PiecesOfAnyLength_TellTheSame() =>
        Gen.Select(Gen.Select(Gen.Int[1, 500], Gen.Int[1, 500]).Array[1, 10], Gen.Int[1, 30]).SampleAsync(async (sizes, piece) =>
            Assert.Equal(sizes, await ReadAsync(string.Concat(sizes.Select(size => $"{{\"Width\":{size.Item1},\"Height\":{size.Item2}}}\n")), piece)), iter: 100);

    private static async Task<List<(int, int)>> ReadAsync(string text, int piece)
    {
        var pipe = new Pipe();
        var told = new List<(int, int)>();
        var reading = TerminalSizes.ReadAsync(pipe.Reader, (width, height) => told.Add((width, height)), CancellationToken.None);
        var bytes = Encoding.Latin1.GetBytes(text);
        for (var at = 0; at < bytes.Length; at += piece)
            await pipe.Writer.WriteAsync(bytes.AsMemory(at, Math.Min(piece, bytes.Length - at)));
        await pipe.Writer.CompleteAsync();
        await reading.WaitAsync(TimeSpan.FromSeconds(30));
        return told;
    }
}
