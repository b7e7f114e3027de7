using Gantry.Faults;
using Gantry.Persistence;
using Xunit;

namespace Gantry.UnitTests.Persistence;

public sealed class RecordSetTests
{
    private static readonly Entry _old = new("aa11", 10), _middle = new("aa22", 20), _new = new("bb33", 30);
    private readonly RecordSet<Entry> _set = new("entry", [_middle, _old, _new]);

    [Fact]
    public void Newest_AnyOrderGiven_NewestFirst() => Assert.Equal([_new, _middle, _old], _set.Newest);

    [Theory]
    [InlineData(5, 3)]
    [InlineData(15, 2)]
    [InlineData(25, 1)]
    [InlineData(35, 0)]
    public void With_NewRecord_IsInItsPlace(long createdAt, int place)
    {
        var added = new Entry("cc44", createdAt);

        var set = _set.With(added);

        Assert.Same(added, set.Newest[place]);
        Assert.Same(added, set.TryGet("cc44"));
        Assert.Equal(4, set.Newest.Length);
        Assert.Equal(3, _set.Newest.Length);
    }

    [Fact]
    public void With_RecordOfAKnownId_TakesItsPlace()
    {
        var changed = _middle with { Text = "changed" };

        var set = _set.With(changed);

        Assert.Equal([_new, changed, _old], set.Newest);
        Assert.Same(changed, set.TryGet("aa22"));
    }

    [Fact]
    public void With_EqualRecord_IsTheOneFoundAndListed()
    {
        var equal = _middle with { };

        var set = _set.With(equal);

        Assert.Same(equal, set.TryGet("aa22"));
        Assert.Same(equal, set.Newest[1]);
        Assert.Equal([_new, _old], set.Without("aa22").Newest);
    }

    [Fact]
    public void Without_RecordsOfOneMoment_TakesTheRightOne()
    {
        var set = _set.With(new Entry("cc1", 20)).With(new Entry("cc2", 20)).Without("aa22").Without("cc1");

        Assert.Equal(["bb33", "cc2", "aa11"], set.Newest.Select(entry => entry.Id));
        Assert.Null(set.TryGet("aa22"));
    }

    [Fact]
    public void Without_UnknownId_IsTheSame() => Assert.Same(_set, _set.Without("dd"));

    [Fact]
    public void TryFind_IdOrUnambiguousPrefix_FindsIt()
    {
        Assert.Same(_new, _set.TryFind("b"));
        Assert.Same(_middle, _set.TryFind("aa2"));
        Assert.Same(_old, _set.TryFind("aa11"));
        Assert.Null(_set.TryFind("aa113"));
        Assert.Null(_set.TryFind("c"));
        Assert.Null(_set.TryFind(""));
    }

    [Fact]
    public void TryFind_AmbiguousPrefix_IsRefused()
    {
        var refused = Assert.Throws<InvalidRequestException>(() => _set.TryFind("aa"));

        Assert.Contains("entry id prefix 'aa' is ambiguous", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TryFind_IdThatIsAnothersPrefixToo_IsThatOne()
    {
        var exact = new Entry("aa", 40);

        Assert.Same(exact, _set.With(exact).TryFind("aa"));
    }

    /// <summary>As the stores' records: equal by what is in them.</summary>
    private sealed record Entry(string Id, long CreatedAt) : IStoredRecord
    {
        public string Text { get; init; } = "";

        string IStoredRecord.Key => Id;
    }
}
