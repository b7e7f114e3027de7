using Gantry.Faults;

namespace Gantry.Persistence;

/// <summary>Finds an object by its id or an unambiguous prefix of it, as both peers' CRI servers do.</summary>
public static class IdIndex
{
    /// <summary>The id that <paramref name="text"/> means; null where there is none.</summary>
    /// <exception cref="InvalidRequestException">Several ids begin so.</exception>
    public static TId? Resolve<TId>(string text, IEnumerable<TId> ids, string kind)
        where TId : struct
    {
        TId? found = null;
        if (text.Length == 0)
            return null;
        foreach (var id in ids)
        {
            var value = id.ToString()!;
            if (value.Length == text.Length && value == text)
                return id;
            if (!value.StartsWith(text, StringComparison.Ordinal))
                continue;
            if (found is not null)
                throw new InvalidRequestException($"{kind} id prefix '{text}' is ambiguous: give more digits");
            found = id;
        }
        return found;
    }
}
