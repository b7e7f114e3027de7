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
    private readonly int _size = entries.Sum(entry => 1 + CodedOutputStream.ComputeBytesSize(entry));

    public MessageDescriptor Descriptor => throw Unread();

    public int CalculateSize() => _size;

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
