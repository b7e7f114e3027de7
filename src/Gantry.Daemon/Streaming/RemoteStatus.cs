using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Gantry.Streaming;

/// <summary>How a command ended, as its client is told on the error stream.</summary>
public sealed record RemoteStatus
{
    private RemoteStatus()
    {
    }

    /// <summary>It ended with 0.</summary>
    public static RemoteStatus Success { get; } = new();

    /// <summary>Its exit code; null where it was not run to its end.</summary>
    public int? ExitCode { get; private init; } = 0;

    /// <summary>Empty for a success.</summary>
    public string Message { get; private init; } = "";

    public static RemoteStatus Exited(int code) => code == 0
        ? Success
        : new RemoteStatus { ExitCode = code, Message = string.Create(CultureInfo.InvariantCulture, $"command terminated with exit code {code}") };

    public static RemoteStatus Failed(string message) => new() { ExitCode = null, Message = message };

    /// <summary>A metav1.Status, which protocols from v4 on carry.</summary>
    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteEndObject();
        json.WriteString("status", ExitCode == 0 ? "Success" : "Failure");
        if (ExitCode != 0)
            WriteFailure(json);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The message, which protocols before v4 carry; empty for a success.</summary>
    public byte[] ToText() => Encoding.UTF8.GetBytes(Message);

    private void WriteFailure(Utf8JsonWriter json)
    {
        json.WriteString("message", Message);
        if (ExitCode is not { } code)
        {
            json.WriteString("reason", "InternalError");
            json.WriteNumber("code", 500);
            return;
        }
        json.WriteString("reason", "NonZeroExitCode");
        json.WriteStartObject("details");
        json.WriteStartArray("causes");
        json.WriteStartObject();
        json.WriteString("reason", "ExitCode");
        json.WriteString("message", code.ToString(CultureInfo.InvariantCulture));
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
