using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Gantry.TestImages;

/// <summary>Images for measuring pulls: half of each file random and half text, so that gzip halves them.</summary>
public static class BenchImages
{
    private static readonly int[] _sizes = [1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];
    private static readonly byte[] _text = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("The quick brown fox jumps over the lazy dog. ", 100))[..4096]);

    /// <summary>bench/big: 8 layers of 25 MiB; bench/forty: 40 layers of 5 MiB; bench/single: one layer of 500 MiB.</summary>
    public static async Task PushAllAsync(RegistryPusher pusher)
    {
        var config = new JsonObject { ["Cmd"] = new JsonArray("sh") };
        await pusher.PushAsync("bench/big", ["1"], [.. Layers(8, 25)], config);
        await pusher.PushAsync("bench/forty", ["1"], [.. Layers(40, 5)], config);
        await pusher.PushAsync("bench/single", ["1"], [.. Layers(1, 1000)], config);
    }

    /// <summary>Layers of files of 1 KiB to 1 MiB; the same numbers give the same bytes.</summary>
    public static IEnumerable<BuiltLayer> Layers(int count, int mebibytes)
    {
        var random = new Random(42);
        for (var n = 0; n < count; n++)
        {
            var layer = new LayerBuilder();
            var left = mebibytes << 20;
            for (var i = 0; left > 0; i++)
            {
                var size = Math.Min(left, _sizes[random.Next(_sizes.Length)]);
                layer.File(string.Create(CultureInfo.InvariantCulture, $"data/layer{n}/d{i / 100}/f{i}"), Content(random, size));
                left -= size;
            }
            yield return layer.Build();
        }
    }

    private static byte[] Content(Random random, int size)
    {
        var content = new byte[size];
        for (var at = 0; at < size; at += 8192)
        {
            random.NextBytes(content.AsSpan(at, Math.Min(4096, size - at)));
            if (at + 4096 < size)
                _text.AsSpan(0, Math.Min(4096, size - at - 4096)).CopyTo(content.AsSpan(at + 4096));
        }
        return content;
    }
}
