using System.Globalization;
using System.Text.Json;

namespace Gantry.Conformance.Streaming;

/// <summary>What the error stream said.</summary>
/// <param name="Text">All of it.</param>
/// <param name="ExitCode">Null where it tells none.</param>
public sealed record RemoteOutcome(string Text, int? ExitCode)
{
    public static RemoteOutcome Read(RemoteProtocol protocol, string text)
    {
        if (!protocol.StatusIsJson)
            return new RemoteOutcome(text, text.Length == 0 ? 0 : null);
        Check.True(text.Length > 0, "the connection ended without a status");
        using var document = JsonDocument.Parse(text);
        var status = document.RootElement;
        if (status.GetProperty("status").GetString() == "Success")
            return new RemoteOutcome(text, 0);
        Check.Equal("Failure", status.GetProperty("status").GetString());
        if (!status.TryGetProperty("reason", out var reason) || reason.GetString() != "NonZeroExitCode")
            return new RemoteOutcome(text, null);
        var cause = status.GetProperty("details").GetProperty("causes").EnumerateArray().First(one => one.GetProperty("reason").GetString() == "ExitCode");
        return new RemoteOutcome(text, int.Parse(cause.GetProperty("message").GetString()!, CultureInfo.InvariantCulture));
    }
}
