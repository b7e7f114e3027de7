using CsCheck;
using Gantry.Streaming;
using Xunit;

namespace Gantry.UnitTests.Streaming;

public sealed class StreamRouteTests
{
    [Theory]
    [InlineData("/exec/abc", "exec", "abc")]
    [InlineData("/attach/a-b_c", "attach", "a-b_c")]
    [InlineData("/portforward/x", "portforward", "x")]
    public void Parse_AStreamsPath_GivesItsParts(string path, string kind, string token) => Assert.Equal(new StreamRoute(kind, token), StreamRoute.Parse(path));

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/exec")]
    [InlineData("/exec/")]
    [InlineData("/exec/a/")]
    [InlineData("/exec/a/b")]
    [InlineData("//exec/a")]
    [InlineData("exec/a")]
    [InlineData("/Exec/a")]
    [InlineData("/execs/a")]
    [InlineData("/x/exec/a")]
    [InlineData("/portforward//a")]
    public void Parse_AnyOtherPath_GivesNothing(string path) => Assert.Null(StreamRoute.Parse(path));

    [Fact]
    public void Parse_AnyText_GivesWhatMakesTheTextAgainOrNothing() =>
        Gen.OneOf(Gen.String, Gen.Char["/exectah portfwd"].Array[0, 20].Select(chars => new string(chars)), Gen.String.Select(text => "/exec/" + text)).Sample(path =>
        {
            if (StreamRoute.Parse(path) is { } route)
                Assert.Equal(path, $"/{route.Kind}/{route.Token}");
        });
}
