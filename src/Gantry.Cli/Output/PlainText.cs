using System.Buffers;

namespace Gantry.Cli.Output;

/// <summary>
/// Text that cannot drive the terminal. Names, messages and labels come from images, registries and pods, and an escape
/// sequence among them could rewrite what the user sees (CWE-150).
/// </summary>
internal static class PlainText
{
    private static readonly SearchValues<char> _control = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Select(code => (char)code), '\u007f', .. Enumerable.Range(0x80, 32).Select(code => (char)code)]);

    /// <summary>The text as one line.</summary>
    public static string Of(string text) => text.AsSpan().ContainsAny(_control)
        ? string.Create(text.Length, text, (to, from) => Clean(from, to, keepLines: false))
        : text;

    /// <summary>The text with its line feeds.</summary>
    public static string OfLines(string text) => text.AsSpan().ContainsAny(_control)
        ? string.Create(text.Length, text, (to, from) => Clean(from, to, keepLines: true))
        : text;

    private static void Clean(string from, Span<char> to, bool keepLines)
    {
        for (var at = 0; at < from.Length; at++)
        {
            var character = from[at];
            to[at] = character switch
            {
                '\n' when keepLines => character,
                '\n' or '\t' => ' ',
                _ when char.IsControl(character) => '\uFFFD',
                _ => character,
            };
        }
    }
}
