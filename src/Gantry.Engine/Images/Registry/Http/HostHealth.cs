using System.Collections.Concurrent;
using Gantry.Images.Registry.Hosts;

namespace Gantry.Images.Registry.Http;

/// <summary>
/// Mirrors that could not be reached: for a while they are asked last, so that a dead one does not cost each pull its
/// time-out. From 15 seconds after the first failure, doubled with each one after that while, to 5 minutes.
/// </summary>
internal sealed class HostHealth(TimeProvider time)
{
    private static readonly TimeSpan _first = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _longest = TimeSpan.FromMinutes(5);
    private readonly ConcurrentDictionary<string, (DateTimeOffset Until, int Times, string Problem)> _dead = [];

    public void Failed(RegistryHost host, string problem)
    {
        if (!host.IsMirror)
            return;
        _dead.AddOrUpdate(host.Text, _ => (time.GetUtcNow() + _first, 1, problem), (_, before) =>
        {
            // Questions that were asked at the same time fail at the same time: that is one failure.
            if (before.Until > time.GetUtcNow())
                return before;
            var wait = _first * Math.Pow(2, Math.Min(before.Times, 10));
            return (time.GetUtcNow() + (wait < _longest ? wait : _longest), before.Times + 1, problem);
        });
    }

    public void Worked(RegistryHost host) => _dead.TryRemove(host.Text, out _);

    /// <summary>Until when a server is passed over, and why; null for one that is asked in its turn.</summary>
    public (TimeSpan Left, string Problem)? Dead(RegistryHost host) =>
        _dead.TryGetValue(host.Text, out var dead) && dead.Until > time.GetUtcNow() ? (dead.Until - time.GetUtcNow(), dead.Problem) : null;

    /// <summary>The same servers, dead ones last.</summary>
    public IReadOnlyList<RegistryHost> Order(IReadOnlyList<RegistryHost> hosts) =>
        _dead.IsEmpty ? hosts : [.. hosts.OrderBy(host => Dead(host) is not null)];
}
