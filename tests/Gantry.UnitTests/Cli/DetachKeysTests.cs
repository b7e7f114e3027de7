using CsCheck;
using Gantry.Cli;
using Gantry.Cli.Streaming;
using Xunit;

namespace Gantry.UnitTests.Cli;

public sealed class DetachKeysTests
{
    [Theory]
    [InlineData("ctrl-p,ctrl-q", "ab\u0010\u0011cd", "ab", true)]
    [InlineData("ctrl-p,ctrl-q", "\u0010x\u0010\u0010\u0011", "\u0010x\u0010", true)]
    [InlineData("ctrl-p,ctrl-q", "\u0010", "", false)]
    [InlineData("a,a,b", "aaab", "a", true)]
    [InlineData("a,b,a,c", "ababac", "ab", true)]
    [InlineData("ctrl-@", "x\0y", "x", true)]
    [InlineData("ctrl-],q", "\u001d1\u001dq", "\u001d1", true)]
    public void Take_KeysInOneOrManyPieces_PassesOnWhatIsNotOfThem(string keys, string typed, string passed, bool isDetached)
    {
        foreach (var piece in new[] { typed.Length, 1, 2 })
        {
            var (got, detached) = Type(keys, typed, piece);
            Assert.Equal((passed, isDetached), (got, detached));
        }
    }

    [Fact]
    public void Take_AnyTyping_PassesAllBeforeTheKeysAndNothingAfter() =>
        Gen.Select(Gen.Char["ab"].Array[1, 4], Gen.Char["abc"].Array[0, 30], Gen.Int[1, 7]).Sample((keys, typed, piece) =>
        {
            var pattern = new string(keys);
            var text = new string(typed);

            var (got, detached) = Type(string.Join(',', keys), text, piece);

            var at = text.IndexOf(pattern, StringComparison.Ordinal);
            Assert.Equal(at >= 0, detached);
            if (detached)
                Assert.Equal(text[..at], got);
            else
                Assert.True(text.StartsWith(got, StringComparison.Ordinal) && pattern.StartsWith(text[got.Length..], StringComparison.Ordinal));
        });

    [Fact]
    public void Parse_Nothing_DetachesNever() => Assert.Null(DetachKeys.Parse(""));

    [Theory]
    [InlineData("ctrl-")]
    [InlineData("ctrl-1")]
    [InlineData("ab")]
    [InlineData("a,,b")]
    public void Parse_WhatIsNoKey_IsAUsageError(string text) => Assert.Throws<CommandException>(() => DetachKeys.Parse(text));

    private static (string Passed, bool IsDetached) Type(string keys, string typed, int piece)
    {
        var detach = DetachKeys.Parse(keys)!;
        var passed = new List<byte>();
        var all = new List<byte>();
        var bytes = typed.Select(c => (byte)c).ToArray();
        for (var at = 0; at < bytes.Length; at += piece)
        {
            var isDetached = detach.Take(bytes.AsSpan(at, Math.Min(piece, bytes.Length - at)), passed);
            all.AddRange(passed);
            if (isDetached)
                return (new string([.. all.Select(b => (char)b)]), true);
        }
        return (new string([.. all.Select(b => (char)b)]), false);
    }
}
