using System.Collections.Immutable;
using Gantry.Persistence;
using Google.Protobuf;

namespace Gantry.Cri;

/// <summary>
/// The encoded entries of a store's records. A list that is asked for again when nothing has changed is the list that was sent
/// last; where something has, what stayed is taken over from it. Of a full node, an entry is made when a record changes, and
/// the records themselves are not looked at.
/// </summary>
/// <typeparam name="TRecord">What the store keeps.</typeparam>
/// <typeparam name="TResponse">What its lists are to those who read them.</typeparam>
/// <param name="entry">What a list tells of a record; null where lists leave it out.</param>
internal sealed class EncodedEntries<TRecord, TResponse>(Func<TRecord, IMessage?> entry)
    where TRecord : class, IStoredRecord
    where TResponse : IMessage
{
    private volatile Encoded _last = new([], []);

    /// <summary>The list of those records that are asked for.</summary>
    /// <param name="newest">A store's records, as it has them: the newest object first.</param>
    /// <param name="isAsked">Null for all.</param>
    public EncodedList<TResponse> Of(ImmutableArray<TRecord> newest, Func<TRecord, bool>? isAsked)
    {
        var encoded = _last;
        if (encoded.Records != newest)
            _last = encoded = Encode(newest, encoded);
        return isAsked is null ? encoded.All : encoded.Select(isAsked);
    }

    /// <summary>Both are in the order of creation, and a record that has not changed is the same object.</summary>
    private Encoded Encode(ImmutableArray<TRecord> newest, Encoded before)
    {
        var entries = new ByteString?[newest.Length];
        var (records, at) = (before.Records, 0);
        for (var n = 0; n < entries.Length; n++)
        {
            var record = newest[n];
            while (at < records.Length && !ReferenceEquals(records[at], record) && records[at].CreatedAt >= record.CreatedAt)
                at++;
            entries[n] = at < records.Length && ReferenceEquals(records[at], record) ? before.Entries[at++] : entry(record)?.ToByteString();
        }
        return new(newest, entries);
    }

    /// <summary>A store's records, and the entry of each.</summary>
    private sealed class Encoded(ImmutableArray<TRecord> records, ByteString?[] entries)
    {
        public ImmutableArray<TRecord> Records { get; } = records;

        public ByteString?[] Entries { get; } = entries;

        public EncodedList<TResponse> All { get; } = new([.. entries.OfType<ByteString>()]);

        public EncodedList<TResponse> Select(Func<TRecord, bool> isAsked)
        {
            var asked = new List<ByteString>(Entries.Length);
            for (var n = 0; n < Entries.Length; n++)
            {
                if (Entries[n] is { } entry && isAsked(Records[n]))
                    asked.Add(entry);
            }
            return new(asked);
        }
    }
}
