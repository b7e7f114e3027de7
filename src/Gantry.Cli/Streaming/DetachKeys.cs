namespace Gantry.Cli.Streaming;

/// <summary>
/// Looks for the keys that detach in what is typed. Keys that only begin like them go on to the container as soon as that
/// is known.
/// </summary>
internal sealed class DetachKeys
{
    public const string Default = "ctrl-p,ctrl-q";
    private readonly byte[] _keys;
    private int _matched;

    private DetachKeys(byte[] keys) => _keys = keys;

    /// <summary>Reads "ctrl-p,ctrl-q": letters, or ctrl- with a letter or one of @ [ \ ] ^ _, separated by commas.</summary>
    /// <returns>Null for the empty text: nothing detaches.</returns>
    /// <exception cref="CommandException">It is no such list.</exception>
    public static DetachKeys? Parse(string text)
    {
        if (text.Length == 0)
            return null;
        return new DetachKeys([.. text.Split(',').Select(name => KeyOf(name.Trim())
            ?? throw CommandException.Usage($"--detach-keys '{text}': '{name}' is no key; write letters or ctrl-LETTER, separated by commas."))]);
    }

    /// <summary>Takes what was typed.</summary>
    /// <param name="typed">The keys.</param>
    /// <param name="passed">Cleared, and filled with what goes on to the container.</param>
    /// <returns>True when the keys were typed: what came after them is dropped.</returns>
    public bool Take(ReadOnlySpan<byte> typed, List<byte> passed)
    {
        passed.Clear();
        foreach (var key in typed)
        {
            if (key == _keys[_matched])
            {
                if (++_matched == _keys.Length)
                    return true;
                continue;
            }
            GiveUp(key, passed);
        }
        return false;
    }

    /// <summary>The longest end of what was held back that, with this key, still begins the keys, is held back further.</summary>
    private void GiveUp(byte key, List<byte> passed)
    {
        byte[] held = [.. _keys.AsSpan(0, _matched), key];
        for (var start = 1; start <= held.Length; start++)
        {
            passed.Add(held[start - 1]);
            if (_keys.AsSpan().StartsWith(held.AsSpan(start)))
            {
                _matched = held.Length - start;
                return;
            }
        }
    }

    private static byte? KeyOf(string name)
    {
        if (name.Length == 1 && name[0] is > ' ' and < (char)127)
            return (byte)name[0];
        if (name.Length != 6 || !name.StartsWith("ctrl-", StringComparison.OrdinalIgnoreCase))
            return null;
        var letter = char.ToUpperInvariant(name[5]);
        return letter is >= '@' and <= '_' ? (byte)(letter - '@') : null;
    }
}
