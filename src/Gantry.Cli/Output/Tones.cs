using Spectre.Console;

namespace Gantry.Cli.Output;

/// <summary>Tones as styles of the terminal's own sixteen colours, which the user has chosen to be readable.</summary>
internal static class Tones
{
    public static Text Paint(string text, Tone tone) => new(PlainText.Of(text), StyleOf(tone)) { Overflow = Overflow.Ellipsis };

    public static Tone OfState(string state) => state switch
    {
        "Running" or "Ready" or "Succeeded" => Tone.Good,
        "Pending" or "Created" or "Waiting" => Tone.Waiting,
        "Failed" or "NotReady" or "Unknown" => Tone.Bad,
        _ => Tone.Faint,
    };

    private static Style StyleOf(Tone tone) => tone switch
    {
        Tone.Good => new Style(Color.Green),
        Tone.Waiting => new Style(Color.Olive),
        Tone.Bad => new Style(Color.Maroon),
        Tone.Faint => new Style(decoration: Decoration.Dim),
        _ => Style.Plain,
    };
}
