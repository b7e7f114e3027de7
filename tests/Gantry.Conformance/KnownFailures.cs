namespace Gantry.Conformance;

/// <summary>
/// The specs that some server is known to fail, each with the reason: lines of "ID reason", "?ID reason" where it fails at
/// times (a race of the server), # for comments.
/// </summary>
public sealed class KnownFailures
{
    private readonly Dictionary<string, string> _reasons = [];
    private readonly HashSet<string> _atTimes = [];

    public static KnownFailures None { get; } = new();

    /// <exception cref="FormatException">A line has no reason, or names a spec that isn't.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static KnownFailures Load(string path)
    {
        var known = new KnownFailures();
        foreach (var line in File.ReadAllLines(path))
        {
            if (line.Length == 0 || line[0] == '#')
                continue;
            var words = line.Split((char[])[' ', '\t'], 2, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            var id = words[0].TrimStart('?');
            if (words.Length < 2 || SpecCatalog.All.All(spec => spec.Id != id))
                throw new FormatException($"{path}: '{line}' is no spec's id and a reason");
            known._reasons[id] = words[1];
            if (id != words[0])
                known._atTimes.Add(id);
        }
        return known;
    }

    /// <summary>Null for a spec that must pass.</summary>
    public string? ReasonOf(Spec spec) => _reasons.GetValueOrDefault(spec.Id);

    /// <summary>Whether a spec with a reason may pass all the same.</summary>
    public bool FailsAtTimes(Spec spec) => _atTimes.Contains(spec.Id);
}
