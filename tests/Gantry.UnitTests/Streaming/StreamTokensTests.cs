using Gantry.Faults;
using Gantry.Identity;
using Gantry.Streaming;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gantry.UnitTests.Streaming;

public sealed class StreamTokensTests
{
    private static readonly PortForwardOffer _offer = new(PodId.New(), []);
    private readonly FakeTimeProvider _time = new();
    private readonly StreamTokens _tokens;

    public StreamTokensTests() => _tokens = new StreamTokens(_time);

    [Fact]
    public void Redeem_ItsToken_GivesTheOfferOnce()
    {
        var token = _tokens.Offer(_offer);

        Assert.Same(_offer, _tokens.Redeem(token));
        Assert.Null(_tokens.Redeem(token));
    }

    [Fact]
    public void Redeem_AfterAMinute_GivesNothing()
    {
        var early = _tokens.Offer(_offer);
        var late = _tokens.Offer(_offer);

        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.NotNull(_tokens.Redeem(early));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(_tokens.Redeem(late));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void Redeem_AnyOtherText_GivesNothing(string token)
    {
        _tokens.Offer(_offer);

        Assert.Null(_tokens.Redeem(token));
    }

    [Fact]
    public void Offer_TooManyPending_IsRefusedUntilOneIsUsedOrExpires()
    {
        var tokens = Enumerable.Range(0, StreamTokens.MostPending).Select(_ => _tokens.Offer(_offer)).ToList();

        Assert.Throws<ResourceExhaustedException>(() => _tokens.Offer(_offer));
        _tokens.Redeem(tokens[500]);
        _tokens.Offer(_offer);
        Assert.Throws<ResourceExhaustedException>(() => _tokens.Offer(_offer));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.All(Enumerable.Range(0, StreamTokens.MostPending), _ => _tokens.Offer(_offer));
    }

    [Fact]
    public void Offer_ManyTokens_AreDifferentLongAndFitForAPath()
    {
        var tokens = Enumerable.Range(0, 500).Select(_ => _tokens.Offer(_offer)).ToList();

        Assert.Equal(500, tokens.Distinct().Count());
        // 43 characters of six bits each: 256 bits and two of nothing.
        Assert.All(tokens, token => Assert.Matches("^[A-Za-z0-9_-]{43}$", token));
        Assert.All(tokens, token => Assert.Equal(new StreamRoute("exec", token), StreamRoute.Parse($"/exec/{token}")));
    }
}
