using System.Collections.Immutable;
using Gantry.Faults;

namespace Gantry.Persistence;

/// <summary>What a store keeps of an object, replaced as a whole by each change.</summary>
public interface IStoredRecord
{
    /// <summary>The object's id.</summary>
    string Key { get; }

    /// <summary>Nanoseconds since the epoch.</summary>
    long CreatedAt { get; }
}

/// <summary>
/// All records of a kind at one moment: found by id, and in the order of lists. It never changes: a change makes the next
/// one. Lists of a full node are asked for all the time, so that they are an array in order, and cost nothing to make.
/// </summary>
public sealed class RecordSet<TRecord>
    where TRecord : class, IStoredRecord
{
    private readonly string _kind;
    private readonly ImmutableDictionary<string, TRecord> _byId;

    private RecordSet(string kind, ImmutableDictionary<string, TRecord> byId, ImmutableArray<TRecord> newest) =>
        (_kind, _byId, Newest) = (kind, byId, newest);

    /// <summary>A set of records, none of which has another's id.</summary>
    /// <param name="kind">The kind's name, for messages.</param>
    /// <param name="records">In any order.</param>
    public RecordSet(string kind, IEnumerable<TRecord> records)
    {
        _kind = kind;
        // By reference: a dictionary that finds a record equal to the one that it replaces would keep that.
        _byId = records.ToImmutableDictionary<TRecord, string, TRecord>(record => record.Key, record => record, null, ReferenceEqualityComparer.Instance);
        Newest = [.. _byId.Values.OrderByDescending(record => record.CreatedAt)];
    }

    /// <summary>Every record, the newest object first.</summary>
    public ImmutableArray<TRecord> Newest { get; }

    public TRecord? TryGet(string id) => _byId.GetValueOrDefault(id);

    /// <summary>The record of that id or unambiguous prefix, as both peers' CRI servers find it; null where there is none.</summary>
    /// <exception cref="InvalidRequestException">The prefix is ambiguous.</exception>
    public TRecord? TryFind(string idOrPrefix)
    {
        if (idOrPrefix.Length == 0)
            return null;
        if (TryGet(idOrPrefix) is { } exact)
            return exact;
        TRecord? found = null;
        foreach (var record in Newest)
        {
            if (!record.Key.StartsWith(idOrPrefix, StringComparison.Ordinal))
                continue;
            if (found is not null)
                throw new InvalidRequestException($"{_kind} id prefix '{idOrPrefix}' is ambiguous: give more digits");
            found = record;
        }
        return found;
    }

    /// <summary>The set with this record, in the place of the one with its id if there is one.</summary>
    public RecordSet<TRecord> With(TRecord record)
    {
        var others = TryGet(record.Key) is { } before ? Newest.RemoveAt(IndexOf(before)) : Newest;
        return new(_kind, _byId.SetItem(record.Key, record), others.Insert(Place(others, record.CreatedAt), record));
    }

    /// <summary>The set without the record of that id.</summary>
    public RecordSet<TRecord> Without(string id) =>
        TryGet(id) is { } record ? new(_kind, _byId.Remove(id), Newest.RemoveAt(IndexOf(record))) : this;

    private int IndexOf(TRecord record)
    {
        var at = Place(Newest, record.CreatedAt);
        while (!ReferenceEquals(Newest[at], record))
            at++;
        return at;
    }

    /// <summary>The place of the first record that is not newer.</summary>
    private static int Place(ImmutableArray<TRecord> newest, long createdAt)
    {
        var (from, to) = (0, newest.Length);
        while (from < to)
        {
            var middle = from + ((to - from) / 2);
            if (newest[middle].CreatedAt > createdAt)
                from = middle + 1;
            else
                to = middle;
        }
        return from;
    }
}
