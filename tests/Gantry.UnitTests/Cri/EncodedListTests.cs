using System.Collections.Immutable;
using Gantry.Cri;
using Gantry.Cri.Api;
using Gantry.Persistence;
using Google.Protobuf;
using Xunit;

namespace Gantry.UnitTests.Cri;

public sealed class EncodedListTests
{
    private readonly List<string> _encoded = [];
    private readonly EncodedEntries<Entry, ListContainersResponse> _entries;

    public EncodedListTests() => _entries = new EncodedEntries<Entry, ListContainersResponse>(record =>
    {
        _encoded.Add(record.Name);
        return record.IsListed ? new Container { Id = record.Name, Labels = { ["a"] = new string('b', 300) } } : null;
    });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(700)]
    public void Of_AnyNumberOfRecords_ReadsAsTheResponse(int count)
    {
        var records = Enumerable.Range(0, count).Select(n => new Entry($"container-{n}", count - n)).ToImmutableArray();

        var list = _entries.Of(records, null);

        var bytes = list.ToByteArray();
        Assert.Equal(bytes.Length, list.CalculateSize());
        Assert.Equal(records.Select(record => record.Name), Read(list));
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        list.WriteTo(buffer);
        Assert.Equal(bytes, buffer.WrittenSpan);
    }

    [Fact]
    public void Of_RecordsThatStay_AreEncodedOnce()
    {
        var (a, b, c, d) = (new Entry("a", 4), new Entry("b", 3), new Entry("c", 2), new Entry("d", 1));
        _entries.Of([a, b, c, d], null);
        _encoded.Clear();

        var (newer, changed) = (new Entry("e", 5), c with { Name = "c2" });
        var list = _entries.Of([newer, a, changed, d], null);

        Assert.Equal(["e", "a", "c2", "d"], Read(list));
        Assert.Equal(["e", "c2"], _encoded);
    }

    [Fact]
    public void Of_NothingChanged_IsTheSameList()
    {
        ImmutableArray<Entry> records = [new("a", 2), new("b", 1)];

        Assert.Same(_entries.Of(records, null), _entries.Of(records, null));
    }

    [Fact]
    public void Of_RecordsOfOneMoment_AreEachThemselves()
    {
        var (a, b, c) = (new Entry("a", 1), new Entry("b", 1), new Entry("c", 1));
        _entries.Of([a, b, c], null);

        Assert.Equal(["c", "a"], Read(_entries.Of([c, a], null)));
        Assert.Equal(["b2", "a"], Read(_entries.Of([b with { Name = "b2" }, a], null)));
    }

    [Fact]
    public void Of_SomeAskedFor_OnlyThose()
    {
        ImmutableArray<Entry> records = [new("a1", 3), new("b1", 2), new("a2", 1)];

        Assert.Equal(["a1", "a2"], Read(_entries.Of(records, record => record.Name[0] == 'a')));
        Assert.Equal(["a1", "b1", "a2"], Read(_entries.Of(records, null)));
    }

    [Fact]
    public void Of_RecordThatListsLeaveOut_IsInNone()
    {
        ImmutableArray<Entry> records = [new("a", 3), new("hidden", 2) { IsListed = false }, new("c", 1)];

        Assert.Equal(["a", "c"], Read(_entries.Of(records, null)));
        Assert.Equal(["a", "c"], Read(_entries.Of(records, _ => true)));
    }

    private static IEnumerable<string> Read(EncodedList<ListContainersResponse> list) =>
        ListContainersResponse.Parser.ParseFrom(list.ToByteArray()).Containers.Select(container => container.Id);

    private sealed record Entry(string Name, long CreatedAt) : IStoredRecord
    {
        public bool IsListed { get; init; } = true;

        string IStoredRecord.Key => Name;
    }
}
