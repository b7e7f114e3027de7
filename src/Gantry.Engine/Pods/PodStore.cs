using System.Collections.Immutable;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Persistence;

namespace Gantry.Pods;

/// <summary>
/// All pods, and the only writer of their records: disk first, then memory. Reading takes no lock and sees one consistent
/// moment.
/// </summary>
public sealed class PodStore(NodePaths paths)
{
    private readonly Lock _write = new();
    private readonly RecordFolder<PodRecord> _folder = new(paths.Pods, paths.BrokenRecords, () => PodJson.Default.PodRecord, record => record.Id.Value);
    private volatile RecordSet<PodRecord> _all = new("pod", []);

    /// <summary>Every pod, the newest first.</summary>
    public ImmutableArray<PodRecord> All => _all.Newest;

    public PodRecord? TryGet(PodId id) => _all.TryGet(id.Value);

    /// <summary>The pod of that id or unambiguous prefix; null where there is none.</summary>
    /// <exception cref="InvalidRequestException">The prefix is ambiguous.</exception>
    public PodRecord? TryFind(string idOrPrefix) => _all.TryFind(idOrPrefix);

    /// <inheritdoc cref="TryFind"/>
    /// <exception cref="NotFoundException">There is none.</exception>
    public PodRecord Get(string idOrPrefix) =>
        TryFind(idOrPrefix) ?? throw new NotFoundException($"pod {idOrPrefix} does not exist");

    /// <summary>The pod that the kubelet means by that metadata; null where there is none.</summary>
    public PodRecord? TryGet(PodKey key) => _all.Newest.FirstOrDefault(record => PodKey.Of(record.Spec) == key);

    /// <summary>Reads the records of an earlier daemon; called once, before anything else.</summary>
    /// <returns>The names of directories without a readable record, for recovery to clean.</returns>
    public IReadOnlyList<string> Load()
    {
        var (records, broken) = _folder.ReadAll();
        _all = new RecordSet<PodRecord>("pod", records);
        return broken;
    }

    /// <summary>Adds a new pod, whose directory exists.</summary>
    public void Add(PodRecord record)
    {
        lock (_write)
        {
            _folder.Write(record.Id.Value, record);
            _all = _all.With(record);
        }
    }

    /// <summary>Replaces a pod's record by what <paramref name="change"/> makes of it.</summary>
    /// <returns>The new record; null where the pod is gone.</returns>
    public PodRecord? Update(PodId id, Func<PodRecord, PodRecord> change)
    {
        lock (_write)
        {
            if (_all.TryGet(id.Value) is not { } before)
                return null;
            var after = change(before);
            if (ReferenceEquals(after, before))
                return before;
            try
            {
                _folder.Write(id.Value, after);
            }
            catch (IOException) when (after.State is PodState.NotReady)
            {
                // Stop must work on a full disk; recovery finds out again that nothing of the pod runs.
            }
            _all = _all.With(after);
            return after;
        }
    }

    /// <summary>Forgets a pod; its directory is the caller's to delete.</summary>
    public void Remove(PodId id)
    {
        lock (_write)
            _all = _all.Without(id.Value);
    }
}

/// <summary>What makes a pod the same pod to the kubelet.</summary>
public sealed record PodKey(string Namespace, string Name, string Uid, uint Attempt)
{
    public static PodKey Of(PodSpec spec) => new(spec.Namespace, spec.Name, spec.Uid, spec.Attempt);

    public override string ToString() => $"{Namespace}/{Name} (uid {Uid}, attempt {Attempt})";
}
