using System.Collections.Immutable;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Persistence;

namespace Gantry.Containers;

/// <summary>
/// All containers, and the only writer of their records: disk first, then memory. Reading takes no lock and sees one
/// consistent moment.
/// </summary>
public sealed class ContainerStore(NodePaths paths)
{
    private readonly Lock _write = new();
    private readonly RecordFolder<ContainerRecord> _folder =
        new(paths.Containers, paths.BrokenRecords, () => ContainerJson.Default.ContainerRecord, record => record.Id.Value);
    private readonly Dictionary<ContainerId, TaskCompletionSource<ContainerRecord>> _exits = [];
    private volatile RecordSet<ContainerRecord> _all = new("container", []);

    /// <summary>Every container, the newest first.</summary>
    public ImmutableArray<ContainerRecord> All => _all.Newest;

    /// <summary>The containers of a pod, the newest first.</summary>
    public IReadOnlyList<ContainerRecord> Of(PodId pod) => [.. _all.Newest.Where(record => record.Pod == pod)];

    public ContainerRecord? TryGet(ContainerId id) => _all.TryGet(id.Value);

    /// <summary>The container of that id or unambiguous prefix; null where there is none.</summary>
    /// <exception cref="InvalidRequestException">The prefix is ambiguous.</exception>
    public ContainerRecord? TryFind(string idOrPrefix) => _all.TryFind(idOrPrefix);

    /// <inheritdoc cref="TryFind"/>
    /// <exception cref="NotFoundException">There is none.</exception>
    public ContainerRecord Get(string idOrPrefix) =>
        TryFind(idOrPrefix) ?? throw new NotFoundException($"container {idOrPrefix} does not exist");

    /// <summary>Reads the records of an earlier daemon; called once, before anything else.</summary>
    /// <returns>The names of directories without a readable record, for recovery to clean.</returns>
    public IReadOnlyList<string> Load()
    {
        var (records, broken) = _folder.ReadAll();
        _all = new RecordSet<ContainerRecord>("container", records);
        return broken;
    }

    /// <summary>Adds a new container, whose directory exists.</summary>
    public void Add(ContainerRecord record)
    {
        lock (_write)
        {
            _folder.Write(record.Id.Value, record);
            _all = _all.With(record);
        }
    }

    /// <summary>Replaces a container's record by what <paramref name="change"/> makes of it.</summary>
    /// <returns>The new record; null where the container is gone.</returns>
    public ContainerRecord? Update(ContainerId id, Func<ContainerRecord, ContainerRecord> change)
    {
        ContainerRecord after;
        TaskCompletionSource<ContainerRecord>? exit = null;
        lock (_write)
        {
            if (_all.TryGet(id.Value) is not { } before)
                return null;
            after = change(before);
            if (ReferenceEquals(after, before))
                return before;
            try
            {
                _folder.Write(id.Value, after);
            }
            catch (IOException) when (after.State is ContainerState.Exited || after.State != before.State)
            {
                // A full disk must not hide what has happened: the exit file and the OCI runtime tell it again after a restart.
            }
            _all = _all.With(after);
            if (after.State is ContainerState.Exited)
                _exits.Remove(id, out exit);
        }
        exit?.TrySetResult(after);
        return after;
    }

    /// <summary>Forgets a container; its directory is the caller's to delete.</summary>
    public void Remove(ContainerId id)
    {
        TaskCompletionSource<ContainerRecord>? exit;
        ContainerRecord? last;
        lock (_write)
        {
            last = _all.TryGet(id.Value);
            _all = _all.Without(id.Value);
            _exits.Remove(id, out exit);
        }
        if (last is not null)
            exit?.TrySetResult(last);
    }

    /// <summary>Completes when the container has ended or is gone.</summary>
    public Task WaitForExitAsync(ContainerId id)
    {
        lock (_write)
        {
            if (_all.TryGet(id.Value) is not { } record || record.State is ContainerState.Exited)
                return Task.CompletedTask;
            if (!_exits.TryGetValue(id, out var exit))
                _exits.Add(id, exit = new(TaskCreationOptions.RunContinuationsAsynchronously));
            return exit.Task;
        }
    }
}
