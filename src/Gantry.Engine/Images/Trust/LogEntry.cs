using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Gantry.Images.Trust;

/// <summary>An entry of Rekor's transparency log with the log's promise to keep it: it tells when a signature was there.</summary>
internal sealed record LogEntry(string Body, long IntegratedTime, string LogId, long LogIndex, byte[] Promise)
{
    /// <summary>When the log saw it; null where the promise is not the log's, or the entry is of another signature.</summary>
    public DateTimeOffset? TimeOf(string signatureBase64, string rekorKeyPem)
    {
        // The bytes that the log signs: these fields, in this order, as canonical JSON (RFC 8785).
        var signed = string.Create(CultureInfo.InvariantCulture, $"{{\"body\":\"{Body}\",\"integratedTime\":{IntegratedTime},\"logID\":\"{LogId}\",\"logIndex\":{LogIndex}}}");
        if (!Body.All(IsBase64) || !LogId.All(char.IsAsciiHexDigitLower) || !CertificateTrust.IsSignedBy(rekorKeyPem, Encoding.UTF8.GetBytes(signed), Promise))
            return null;
        return IsOf(signatureBase64) ? DateTimeOffset.FromUnixTimeSeconds(IntegratedTime) : null;
    }

    /// <summary>From a cosign bundle annotation.</summary>
    public static LogEntry? FromAnnotation(string json)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16 });
        var payload = document.RootElement.GetProperty("Payload");
        return new LogEntry(
            payload.GetProperty("body").GetString() ?? "", payload.GetProperty("integratedTime").GetInt64(), payload.GetProperty("logID").GetString() ?? "",
            payload.GetProperty("logIndex").GetInt64(), Convert.FromBase64String(document.RootElement.GetProperty("SignedEntryTimestamp").GetString() ?? ""));
    }

    /// <summary>From a sigstore bundle; null where the entry has no promise.</summary>
    public static LogEntry? FromBundle(JsonElement entry)
    {
        if (!entry.TryGetProperty("inclusionPromise", out var promise))
            return null;
        var logId = Convert.FromBase64String(entry.GetProperty("logId").GetProperty("keyId").GetString() ?? "");
        return new LogEntry(
            entry.GetProperty("canonicalizedBody").GetString() ?? "", Number(entry, "integratedTime"), Convert.ToHexStringLower(logId), Number(entry, "logIndex"),
            Convert.FromBase64String(promise.GetProperty("signedEntryTimestamp").GetString() ?? ""));
    }

    private static bool IsBase64(char c) => char.IsAsciiLetterOrDigit(c) || c is '+' or '/' or '=';

    /// <summary>Protobuf's JSON has 64-bit numbers as texts.</summary>
    private static long Number(JsonElement item, string name)
    {
        var value = item.GetProperty(name);
        return value.ValueKind is JsonValueKind.Number ? value.GetInt64() : long.Parse(value.GetString() ?? "", NumberStyles.None, CultureInfo.InvariantCulture);
    }

    /// <summary>Whether the entry holds that signature, wherever its kind of entry has it.</summary>
    private bool IsOf(string signatureBase64)
    {
        using var body = JsonDocument.Parse(Convert.FromBase64String(Body), new JsonDocumentOptions { MaxDepth = 32 });
        var twice = Convert.ToBase64String(Encoding.ASCII.GetBytes(signatureBase64));
        return body.RootElement.TryGetProperty("spec", out var spec) && Holds(spec, text => text == signatureBase64 || text == twice);
    }

    private static bool Holds(JsonElement item, Func<string, bool> isWanted) => item.ValueKind switch
    {
        JsonValueKind.String => isWanted(item.GetString()!),
        JsonValueKind.Array => item.EnumerateArray().Any(member => Holds(member, isWanted)),
        JsonValueKind.Object => item.EnumerateObject().Any(member => Holds(member.Value, isWanted)),
        _ => false,
    };
}
