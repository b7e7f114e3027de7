using System.Text;
using System.Text.Json;

namespace Gantry.Images.Registry;

/// <summary>A registry's own words about a failure (distribution specification, "Error Codes").</summary>
internal static class RegistryError
{
    private const int LongestText = 300;

    /// <summary>Codes and messages, in one short line; empty where the body is none of the specification's.</summary>
    public static string Read(byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 16 });
            if (json.RootElement.ValueKind is not JsonValueKind.Object || !json.RootElement.TryGetProperty("errors", out var errors) || errors.ValueKind is not JsonValueKind.Array)
                return "";
            var text = new StringBuilder();
            foreach (var error in errors.EnumerateArray().Take(3))
            {
                if (error.ValueKind is JsonValueKind.Object)
                    text.Append(text.Length > 0 ? "; " : "").Append(Text(error, "code")).Append(' ').Append(Text(error, "message"));
            }
            var line = new string([.. text.ToString().Where(c => !char.IsControl(c))]).Trim();
            return line.Length > LongestText ? line[..LongestText] : line;
        }
        catch (JsonException)
        {
            return "";
        }
    }

    private static string Text(JsonElement item, string name) => item.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";
}
