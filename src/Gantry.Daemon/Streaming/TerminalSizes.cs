using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;

namespace Gantry.Streaming;

/// <summary>Reads a terminal's sizes, one JSON object after the other: <c>{"Width":80,"Height":24}</c>.</summary>
internal static class TerminalSizes
{
    /// <summary>Of one object; a longer one is no size.</summary>
    private const int Longest = 1024;

    /// <summary>Tells of each size until no more come; sizes below 1 and what is no JSON is passed over.</summary>
    public static async Task ReadAsync(PipeReader source, Action<int, int> tell, CancellationToken cancel)
    {
        while (true)
        {
            var read = await source.ReadAsync(cancel);
            var bytes = read.Buffer;
            while (bytes.PositionOf((byte)'}') is { } end)
            {
                var after = bytes.GetPosition(1, end);
                if (Parse(bytes.Slice(0, after).ToArray()) is var (width, height))
                    tell(width, height);
                bytes = bytes.Slice(after);
            }
            if (bytes.Length > Longest)
                bytes = bytes.Slice(bytes.End);
            source.AdvanceTo(bytes.Start, bytes.End);
            if (read.IsCompleted)
                return;
        }
    }

    private static (int Width, int Height)? Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var width = Number(document.RootElement, "Width");
            var height = Number(document.RootElement, "Height");
            return width > 0 && height > 0 ? (width, height) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Names are read as Go's decoder reads them, without their case.</summary>
    private static int Number(JsonElement size, string name)
    {
        foreach (var property in size.EnumerateObject())
        {
            if (property.Name.Equals(name, StringComparison.OrdinalIgnoreCase) && property.Value.ValueKind is JsonValueKind.Number && property.Value.TryGetInt32(out var number))
                return number;
        }
        return 0;
    }
}
