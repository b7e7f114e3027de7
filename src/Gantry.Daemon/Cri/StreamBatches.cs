using Google.Protobuf;
using Grpc.Core;

namespace Gantry.Cri;

/// <summary>
/// Sends a list as a stream of answers, each far below the 16 MiB that clients take: that is what the streamed lists are for.
/// </summary>
internal static class StreamBatches
{
    private const int MostBytes = 1 << 20;
    private const int MostItems = 1000;

    /// <summary>Sends all of <paramref name="items"/>, which are made as they are sent; none of them is no answer at all.</summary>
    /// <param name="items">What to send.</param>
    /// <param name="wrap">Makes an answer of some of them.</param>
    /// <param name="stream">Where to.</param>
    /// <param name="cancel">The caller's leaving.</param>
    public static async Task SendAsync<TItem, TAnswer>(
        IEnumerable<TItem> items, Func<IReadOnlyList<TItem>, TAnswer> wrap, IServerStreamWriter<TAnswer> stream, CancellationToken cancel)
        where TItem : IMessage
    {
        var batch = new List<TItem>();
        var bytes = 0;
        foreach (var item in items)
        {
            var size = item.CalculateSize();
            if (batch.Count > 0 && (bytes + size > MostBytes || batch.Count == MostItems))
            {
                await stream.WriteAsync(wrap(batch), cancel);
                batch.Clear();
                bytes = 0;
            }
            batch.Add(item);
            bytes += size;
        }
        if (batch.Count > 0)
            await stream.WriteAsync(wrap(batch), cancel);
    }
}
