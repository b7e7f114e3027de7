using System.Buffers;

namespace Gantry.Images.Registry.Http;

/// <summary>Reads answers that are small, whatever the server says of their length.</summary>
internal static class HttpBody
{
    private const int PieceSize = 16 << 10;

    /// <summary>The body, or its first <paramref name="limit"/> bytes.</summary>
    public static async Task<byte[]> ReadUpToAsync(HttpResponseMessage response, int limit, CancellationToken cancel)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancel);
        var content = new MemoryStream();
        var buffer = ArrayPool<byte>.Shared.Rent(PieceSize);
        try
        {
            while (content.Length < limit)
            {
                var count = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(PieceSize, limit - content.Length)), cancel);
                if (count == 0)
                    break;
                content.Write(buffer, 0, count);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return content.ToArray();
    }
}
