using System.Runtime.CompilerServices;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Gantry.Cri;

/// <summary>
/// A response whose one field, of number 1, is a list of messages, each of which is encoded already. A kubelet asks for its
/// lists all the time, and what they tell of an object hardly ever changes.
/// </summary>
/// <typeparam name="TResponse">What it is to those who read it.</typeparam>
internal sealed class EncodedList<TResponse>(IReadOnlyList<ByteString> entries) : IBufferMessage
    where TResponse : IMessage
{
    private const byte Tag = (1 << 3) | 2;

    public MessageDescriptor Descriptor => throw Unread();

    public int CalculateSize()
    {
        var size = 0;
        foreach (var entry in entries)
            size += 1 + CodedOutputStream.ComputeBytesSize(entry);
        return size;
    }

    public void WriteTo(CodedOutputStream output) => output.WriteRawMessage(this);

    void IBufferMessage.InternalWriteTo(ref WriteContext output)
    {
        foreach (var entry in entries)
        {
            output.WriteRawTag(Tag);
            output.WriteBytes(entry);
        }
    }

    void IBufferMessage.InternalMergeFrom(ref ParseContext input) => throw Unread();

    public void MergeFrom(CodedInputStream input) => throw Unread();

    private static NotSupportedException Unread() => new("a list that is encoded is sent, and never read");
}

/// <summary>The encoded entry of each record, made when it is first listed. A record never changes: its successor has an entry of its own.</summary>
internal sealed class EncodedEntries<TRecord, TResponse>(Func<TRecord, IMessage> entry)
    where TRecord : class
    where TResponse : IMessage
{
    private readonly ConditionalWeakTable<TRecord, ByteString> _encoded = [];

    public EncodedList<TResponse> Of(IEnumerable<TRecord> records) => new([.. records.Select(Of)]);

    private ByteString Of(TRecord record) => _encoded.GetValue(record, made => entry(made).ToByteString());
}
