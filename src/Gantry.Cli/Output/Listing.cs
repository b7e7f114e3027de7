using System.Text.Json.Nodes;
using Spectre.Console;

namespace Gantry.Cli.Output;

/// <summary>
/// One kind of rows, shown as a table for people or as JSON or YAML for programs. The fields of JSON are a promise
/// (docs/cli.md); the columns of the table are not.
/// </summary>
internal sealed class Listing<TRow>(IReadOnlyList<Column<TRow>> columns, Func<TRow, JsonNode> toJson, Func<TRow, string> toId)
{
    public void Write(Screen screen, OutputFormat format, IReadOnlyCollection<TRow> rows)
    {
        switch (format)
        {
            case OutputFormat.Table:
                WriteTable(screen, rows);
                break;
            case OutputFormat.Quiet:
                foreach (var row in rows)
                    screen.Out.WriteLine(PlainText.Of(toId(row)));
                break;
            default:
                Document.Write(screen, format, new JsonArray([.. rows.Select(toJson)]));
                break;
        }
    }

    private void WriteTable(Screen screen, IReadOnlyCollection<TRow> rows)
    {
        var table = new Table().NoBorder();
        foreach (var column in columns)
            table.AddColumn(Describe(column));
        foreach (var row in rows)
            table.AddRow(columns.Select(column => Tones.Paint(column.Text(row), column.Tone?.Invoke(row) ?? Tone.Plain)));
        screen.Ansi(toError: false).Write(table);
    }

    private static TableColumn Describe(Column<TRow> column) => new(new Text(column.Title, new Style(decoration: Decoration.Bold)))
    {
        NoWrap = true,
        Padding = new Padding(0, 0, 3, 0),
        Alignment = column.RightAligned ? Justify.Right : Justify.Left,
    };
}
