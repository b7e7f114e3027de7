using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Gantry.Cli.Streaming;

/// <summary>Reads the metav1.Status with which a remote command's error stream ends.</summary>
internal static class RemoteStatus
{
    /// <param name="bytes">All that came on the error stream.</param>
    public static RemoteResult Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return RemoteResult.Lost;
        try
        {
            using var document = JsonDocument.Parse(Encoding.UTF8.GetString(bytes));
            var status = document.RootElement;
            if (Text(status, "status") == "Success")
                return new RemoteResult(0, "");
            return new RemoteResult(Text(status, "reason") == "NonZeroExitCode" ? CodeOf(status) : null, Text(status, "message"));
        }
        catch (JsonException)
        {
            // Protocols before v4 have a sentence here.
            return new RemoteResult(null, Encoding.UTF8.GetString(bytes));
        }
    }

    private static int? CodeOf(JsonElement status)
    {
        if (!status.TryGetProperty("details", out var details) || !details.TryGetProperty("causes", out var causes) || causes.ValueKind is not JsonValueKind.Array)
            return null;
        foreach (var cause in causes.EnumerateArray())
        {
            if (Text(cause, "reason") == "ExitCode" && int.TryParse(Text(cause, "message"), NumberStyles.None, CultureInfo.InvariantCulture, out var code))
                return code;
        }
        return null;
    }

    private static string Text(JsonElement of, string name) =>
        of.ValueKind is JsonValueKind.Object && of.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";
}
