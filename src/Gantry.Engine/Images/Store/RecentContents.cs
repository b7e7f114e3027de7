using System.Collections.Concurrent;
using Gantry.Identity;

namespace Gantry.Images.Store;

/// <summary>Verified layers and blobs of pulls that did not end well: kept for an hour, since the next try is likely.</summary>
internal sealed class RecentContents(TimeProvider time)
{
    private static readonly TimeSpan _kept = TimeSpan.FromHours(1);
    private readonly ConcurrentDictionary<Digest, DateTimeOffset> _until = [];

    public void Keep(IEnumerable<Digest> contents)
    {
        var until = time.GetUtcNow() + _kept;
        foreach (var content in contents)
            _until[content] = until;
    }

    public bool IsKept(Digest content) => _until.TryGetValue(content, out var until) && until > time.GetUtcNow();

    /// <summary>The pull succeeded, or somebody wants the space now.</summary>
    public void Forget(IEnumerable<Digest> contents)
    {
        foreach (var content in contents)
            _until.TryRemove(content, out _);
    }

    public void ForgetAll() => _until.Clear();
}
