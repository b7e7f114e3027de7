using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;

namespace Gantry.Images.Registry.Http;

/// <summary>
/// Servers that asked for a pause (429, 503 with Retry-After): every pull waits, not only the one that was told. Pauses
/// without a time grow from half a second; each is stretched a little at random, so that nodes do not come back in step.
/// </summary>
internal sealed class HostPauses(TimeProvider time)
{
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(60);
    private readonly ConcurrentDictionary<string, DateTimeOffset> _until = [];

    /// <summary>Waits until the server wants to be asked again.</summary>
    public async Task WaitAsync(string server, CancellationToken cancel)
    {
        while (_until.TryGetValue(server, out var until))
        {
            var wait = until - time.GetUtcNow();
            if (wait <= TimeSpan.Zero)
            {
                _until.TryRemove(KeyValuePair.Create(server, until));
                return;
            }
            // Delays are cut to whole milliseconds: without one more, the rest would be waited for in a busy loop.
            await Task.Delay(wait + TimeSpan.FromMilliseconds(1), time, cancel);
        }
    }

    /// <summary>Notes the pause that an answer asks for.</summary>
    /// <param name="tries">How often it has been asked already.</param>
    public void Note(string server, RetryConditionHeaderValue? retryAfter, int tries)
    {
        var until = time.GetUtcNow() + Stretch(PauseOf(retryAfter, tries));
        _until.AddOrUpdate(server, until, (_, other) => other > until ? other : until);
    }

    /// <summary>Whether trying again later is what the answer means.</summary>
    public static bool IsAskedFor(HttpStatusCode code) =>
        code is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable or HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout or HttpStatusCode.InternalServerError;

    /// <summary>The wait before another try where nobody said how long.</summary>
    public static TimeSpan Growing(int tries) => TimeSpan.FromMilliseconds(Math.Min(500 * Math.Pow(2, tries), 8000));

    public static TimeSpan Stretch(TimeSpan wait) => wait * (1 + Random.Shared.NextDouble() * 0.2);

    private TimeSpan PauseOf(RetryConditionHeaderValue? retryAfter, int tries)
    {
        var asked = retryAfter?.Delta ?? (retryAfter?.Date is { } date ? date - time.GetUtcNow() : null);
        return asked is not { } wait || wait <= TimeSpan.Zero ? Growing(tries) : wait < _longest ? wait : _longest;
    }
}
