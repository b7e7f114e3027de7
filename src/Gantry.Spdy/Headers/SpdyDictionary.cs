using System.Buffers.Binary;
using System.Text;

namespace Gantry.Spdy.Headers;

/// <summary>
/// The dictionary with which both sides' header compression begins (section 2.6.10.1): words with their lengths, as they are
/// in a header block, and behind them the ends of common values.
/// </summary>
internal static class SpdyDictionary
{
    private const string Words =
        "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow " +
        "authorization cache-control connection content-base content-encoding content-language content-length content-location " +
        "content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match " +
        "if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range " +
        "referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method " +
        "get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin";

    private const string Tail =
        "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505" +
        "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden" +
        "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable" +
        "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT" +
        "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript," +
        "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

    private static readonly byte[] _bytes = Build();

    /// <summary>What a zlib stream names the dictionary by (RFC 1950, DICTID).</summary>
    public static uint Id { get; } = Adler32(_bytes);

    public static ReadOnlySpan<byte> Bytes => _bytes;

    private static byte[] Build()
    {
        using var dictionary = new MemoryStream();
        Span<byte> length = stackalloc byte[4];
        foreach (var word in Words.Split(' '))
        {
            var bytes = Encoding.ASCII.GetBytes(word.Replace('_', ' '));
            BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
            dictionary.Write(length);
            dictionary.Write(bytes);
        }
        dictionary.Write(Encoding.ASCII.GetBytes(Tail));
        return dictionary.ToArray();
    }

    private static uint Adler32(ReadOnlySpan<byte> bytes)
    {
        uint a = 1, b = 0;
        foreach (var one in bytes)
        {
            a = (a + one) % 65521;
            b = (b + a) % 65521;
        }
        return b << 16 | a;
    }
}
