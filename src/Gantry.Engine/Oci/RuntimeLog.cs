using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gantry.Oci;

/// <summary>What an OCI runtime wrote to the file of its --log option, as JSON lines.</summary>
internal static class RuntimeLog
{
    private const int MostBytes = 64 << 10;

    /// <summary>The last error's message in one line; empty where there is none.</summary>
    public static string LastMessage(string path)
    {
        foreach (var line in Read(path).Split('\n', StringSplitOptions.RemoveEmptyEntries).Reverse())
        {
            try
            {
                var entry = JsonNode.Parse(line);
                if ((string?)entry?["level"] is not ("warning" or "info" or "debug") && (string?)entry?["msg"] is { Length: > 0 } message)
                    return message.ReplaceLineEndings(" ");
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                return line.Trim();
            }
        }
        return "";
    }

    private static string Read(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            file.Seek(-Math.Min(file.Length, MostBytes), SeekOrigin.End);
            return new StreamReader(file).ReadToEnd();
        }
        catch (IOException)
        {
            return "";
        }
    }
}
