namespace Gantry.Cli.Output;

/// <summary>A column of a listing's table.</summary>
/// <param name="Title">In capitals, as kubectl writes them.</param>
/// <param name="Text">The cell of a row.</param>
/// <param name="Tone">What the cell's colour says; plain where null.</param>
internal sealed record Column<TRow>(string Title, Func<TRow, string> Text, Func<TRow, Tone>? Tone = null, bool RightAligned = false);

/// <summary>What a colour says; the words say it too, for those who see none.</summary>
internal enum Tone
{
    Plain,
    Good,
    Waiting,
    Bad,
    Faint,
}
