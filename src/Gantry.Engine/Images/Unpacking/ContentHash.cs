using System.Security.Cryptography;
using Gantry.Identity;

namespace Gantry.Images.Unpacking;

/// <summary>Computes a digest of the same algorithm as an expected one, piece by piece.</summary>
internal sealed class ContentHash(Digest expected) : IDisposable
{
    private readonly bool _isLong = expected.Algorithm == "sha512";
    private readonly IncrementalHash _hash =
        IncrementalHash.CreateHash(expected.Algorithm == "sha512" ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256);

    public void Dispose() => _hash.Dispose();

    internal void Append(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

    internal Digest Finish()
    {
        var bytes = _hash.GetHashAndReset();
        return _isLong ? Digest.OfSha512(bytes) : Digest.OfSha256(bytes);
    }
}
