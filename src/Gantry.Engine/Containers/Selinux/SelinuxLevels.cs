using System.Globalization;
using System.Security.Cryptography;
using Gantry.Faults;

namespace Gantry.Containers.Selinux;

/// <summary>
/// Hands out levels of two categories, each to one pod alone: containers of other pods then have no access to its files,
/// though all of them run as one type. A level belongs to a pod as long as its record names it; until it is written, it is
/// held here.
/// </summary>
public sealed class SelinuxLevels
{
    private const int Categories = 1024;
    private const int Tries = 100;
    private readonly Lock _lock = new();
    private readonly HashSet<string> _held = [];

    /// <param name="sensitivity">As "s0".</param>
    /// <param name="inUse">The levels that records name. Asked while nothing else is handed out: a record that was written is seen.</param>
    /// <exception cref="ResourceExhaustedException">All half million are in use.</exception>
    public HeldLevel Take(string sensitivity, Func<IEnumerable<string>> inUse)
    {
        lock (_lock)
        {
            var used = inUse().ToHashSet(StringComparer.Ordinal);
            // By chance, so that a level is not used again as soon as its pod is gone; in order where chance finds none.
            var candidates = Enumerable.Range(0, Tries).Select(_ => Random()).Concat(All());
            foreach (var (first, second) in candidates)
            {
                var level = string.Create(CultureInfo.InvariantCulture, $"{sensitivity}:c{first},c{second}");
                if (!used.Contains(level) && _held.Add(level))
                    return new HeldLevel(level, () => Release(level));
            }
        }
        throw new ResourceExhaustedException("no SELinux level is free: the node has too many pods; remove those that have stopped");
    }

    private static (int First, int Second) Random()
    {
        var first = RandomNumberGenerator.GetInt32(Categories);
        var second = RandomNumberGenerator.GetInt32(Categories - 1);
        second += second >= first ? 1 : 0;
        return (Math.Min(first, second), Math.Max(first, second));
    }

    private static IEnumerable<(int First, int Second)> All() =>
        Enumerable.Range(0, Categories - 1).SelectMany(first => Enumerable.Range(first + 1, Categories - 1 - first), (first, second) => (first, second));

    private void Release(string level)
    {
        lock (_lock)
            _held.Remove(level);
    }
}

/// <summary>A level that nobody else gets. Dispose it when a record names it, or none will.</summary>
public sealed class HeldLevel(string level, Action release) : IDisposable
{
    public string Level { get; } = level;

    public void Dispose() => release();
}
