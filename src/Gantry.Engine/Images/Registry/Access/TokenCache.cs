namespace Gantry.Images.Registry.Access;

/// <summary>Bearer tokens that still hold, by server, scope and the fingerprint of the credentials; bounded.</summary>
internal sealed class TokenCache(TimeProvider time)
{
    private const int Most = 256;
    private static readonly TimeSpan _longest = TimeSpan.FromHours(1);
    private readonly Lock _lock = new();
    private readonly Dictionary<(string, string, string), (string Token, DateTimeOffset Until)> _tokens = [];

    public string? Find(string server, string scope, string fingerprint)
    {
        lock (_lock)
            return _tokens.TryGetValue((server, scope, fingerprint), out var found) && found.Until > time.GetUtcNow() ? found.Token : null;
    }

    /// <summary>Keeps a token for nine tenths of its life, at most an hour; one without a life is not kept.</summary>
    public void Keep(string server, string scope, string fingerprint, string token, double seconds)
    {
        if (!(seconds > 0))
            return;
        var until = time.GetUtcNow() + TimeSpan.FromSeconds(Math.Min(seconds * 0.9, _longest.TotalSeconds));
        lock (_lock)
        {
            _tokens[(server, scope, fingerprint)] = (token, until);
            if (_tokens.Count <= Most)
                return;
            var now = time.GetUtcNow();
            foreach (var old in _tokens.Where(entry => entry.Value.Until <= now).Select(entry => entry.Key).ToList())
                _tokens.Remove(old);
            // Still too many: those that end first.
            foreach (var old in _tokens.OrderBy(entry => entry.Value.Until).Take(_tokens.Count - Most).Select(entry => entry.Key).ToList())
                _tokens.Remove(old);
        }
    }

    public void Forget(string server, string scope, string fingerprint)
    {
        lock (_lock)
            _tokens.Remove((server, scope, fingerprint));
    }
}
