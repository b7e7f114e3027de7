using Gantry.Identity;

namespace Gantry.Snapshots;

/// <summary>
/// Who counts on which content just now: a pull on the layers that it found, a container on those that it mounts. What is
/// held is never deleted. Taking and deleting exclude each other (<see cref="Gate"/>), so that whoever holds a lease and
/// then finds the content there may rely on it.
/// </summary>
public sealed class ContentLeases
{
    private readonly Dictionary<Digest, int> _holders = [];

    /// <summary>Held while a lease is taken or given back, and while a removal decides and renames.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>Holds blobs and layers until the lease is disposed, whether they are there or not.</summary>
    public IDisposable Hold(IEnumerable<Digest> contents)
    {
        var lease = new Lease(this, [.. contents]);
        lock (Gate)
        {
            foreach (var content in lease.Contents)
                _holders[content] = _holders.GetValueOrDefault(content) + 1;
        }
        return lease;
    }

    /// <summary>Under the gate only: otherwise the answer is old when it arrives.</summary>
    internal bool IsHeld(Digest content) => _holders.ContainsKey(content);

    private void Release(IReadOnlyList<Digest> contents)
    {
        lock (Gate)
        {
            foreach (var content in contents)
            {
                if (--_holders[content] == 0)
                    _holders.Remove(content);
            }
        }
    }

    private sealed class Lease(ContentLeases owner, IReadOnlyList<Digest> contents) : IDisposable
    {
        private ContentLeases? _owner = owner;

        public IReadOnlyList<Digest> Contents => contents;

        public void Dispose() => Interlocked.Exchange(ref _owner, null)?.Release(contents);
    }
}
