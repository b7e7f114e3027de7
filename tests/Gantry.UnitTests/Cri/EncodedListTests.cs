using Gantry.Cri;
using Gantry.Cri.Api;
using Google.Protobuf;
using Xunit;

namespace Gantry.UnitTests.Cri;

public sealed class EncodedListTests
{
    private readonly List<string> _encoded = [];
    private readonly EncodedEntries<string, ListContainersResponse> _entries;

    public EncodedListTests() => _entries = new EncodedEntries<string, ListContainersResponse>(name =>
    {
        _encoded.Add(name);
        return new Container { Id = name, Labels = { ["a"] = new string('b', 300) } };
    });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(700)]
    public void Of_AnyNumberOfRecords_ReadsAsTheResponse(int count)
    {
        var names = Enumerable.Range(0, count).Select(n => $"container-{n}").ToList();

        var list = _entries.Of(names);

        var bytes = list.ToByteArray();
        Assert.Equal(bytes.Length, list.CalculateSize());
        Assert.Equal(names, ListContainersResponse.Parser.ParseFrom(bytes).Containers.Select(container => container.Id));
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        list.WriteTo(buffer);
        Assert.Equal(bytes, buffer.WrittenSpan);
    }

    [Fact]
    public void Of_TheSameRecordAgain_EncodesItOnce()
    {
        var (one, other) = (new string('x', 3), new string('y', 3));

        _entries.Of([one]);
        _entries.Of([one, other]);
        _entries.Of([other, one]);

        Assert.Equal(["xxx", "yyy"], _encoded);
    }
}
