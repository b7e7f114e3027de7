using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Gantry.Faults;

namespace Gantry.Streaming;

/// <summary>
/// Hands out tokens of 256 random bits, each good for one use within a minute. What is kept is a hash: a lookup's time
/// says nothing of the tokens themselves, nor does the memory.
/// </summary>
public sealed class StreamTokens(TimeProvider time)
{
    /// <summary>Offers that have neither been redeemed nor expired.</summary>
    public const int MostPending = 1000;

    private const int TokenBytes = 32;
    private static readonly TimeSpan _life = TimeSpan.FromMinutes(1);
    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, Pending> _pending = [];
    private readonly Queue<(UInt128 Key, DateTimeOffset Until)> _order = new();

    /// <returns>The token, in characters that a URL's path may have.</returns>
    /// <exception cref="ResourceExhaustedException">Too many offers wait for their clients.</exception>
    public string Offer(StreamOffer offer)
    {
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        var until = time.GetUtcNow() + _life;
        lock (_lock)
        {
            DropExpired();
            if (_pending.Count >= MostPending)
                throw new ResourceExhaustedException($"{MostPending} streams have been asked for and not been connected to; each is given up a minute after it was asked for");
            var key = KeyOf(token);
            _pending[key] = new Pending(offer, until);
            _order.Enqueue((key, until));
        }
        return token;
    }

    /// <returns>The offer, once; null for a token that never was, was used, or has expired.</returns>
    public StreamOffer? Redeem(string token)
    {
        lock (_lock)
            return _pending.Remove(KeyOf(token), out var pending) && time.GetUtcNow() < pending.Until ? pending.Offer : null;
    }

    private void DropExpired()
    {
        var now = time.GetUtcNow();
        while (_order.TryPeek(out var oldest) && (oldest.Until <= now || !_pending.ContainsKey(oldest.Key)))
        {
            _order.Dequeue();
            _pending.Remove(oldest.Key);
        }
    }

    private static UInt128 KeyOf(string token)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(token), hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    private readonly record struct Pending(StreamOffer Offer, DateTimeOffset Until);
}
