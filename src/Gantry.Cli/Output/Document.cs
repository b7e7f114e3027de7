using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gantry.Cli.Output;

/// <summary>Writes a tree of JSON values as JSON or as YAML.</summary>
internal static class Document
{
    // A terminal, not a web page, reads it: "<none>" should stay readable. Control characters are escaped all the same.
    private static readonly JsonWriterOptions _indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(Screen screen, OutputFormat format, JsonNode node)
    {
        if (format == OutputFormat.Yaml)
        {
            YamlText.Write(screen.Out, node);
            return;
        }
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, _indented))
            node.WriteTo(writer);
        screen.WriteBytes(bytes.GetBuffer().AsSpan(0, (int)bytes.Length), toError: false);
        screen.Out.WriteLine();
    }
}
