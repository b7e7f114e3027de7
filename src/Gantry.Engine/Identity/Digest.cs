using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gantry.Faults;

namespace Gantry.Identity;

/// <summary>
/// A content digest of the image specification: sha256 or sha512 and lowercase hexadecimal digits. Anything else is
/// refused here, before a path or URL is built from it.
/// </summary>
[JsonConverter(typeof(DigestJson))]
public readonly record struct Digest
{
    private static readonly SearchValues<char> _hexDigits = SearchValues.Create("0123456789abcdef");
    private readonly string? _value;

    private Digest(string value) => _value = value;

    /// <summary>The whole text, as <c>sha256:ab…</c>.</summary>
    public string Value => _value ?? throw new InvalidOperationException("an unset digest was used");

    /// <summary>"sha256" or "sha512".</summary>
    public string Algorithm => Value[..6];

    /// <summary>The digits behind the colon.</summary>
    public string Hex => Value[7..];

    /// <summary>The first 12 digits, for people.</summary>
    public string Short => Value.Substring(7, 12);

    /// <exception cref="InvalidRequestException">It is no digest, or of another algorithm.</exception>
    public static Digest Parse(string? text) => TryParse(text, out var digest)
        ? digest
        : throw new InvalidRequestException($"digest '{text}' is not sha256: and 64, or sha512: and 128 lowercase hexadecimal digits");

    public static bool TryParse(string? text, out Digest digest)
    {
        var valid = text is not null
            && ((text.Length == 7 + 64 && text.StartsWith("sha256:", StringComparison.Ordinal))
                || (text.Length == 7 + 128 && text.StartsWith("sha512:", StringComparison.Ordinal)))
            && !text.AsSpan(7).ContainsAnyExcept(_hexDigits);
        digest = valid ? new Digest(text!) : default;
        return valid;
    }

    /// <summary>The digest whose 32 bytes are <paramref name="hash"/>.</summary>
    public static Digest OfSha256(ReadOnlySpan<byte> hash) => new("sha256:" + Convert.ToHexStringLower(hash));

    /// <summary>The digest whose 64 bytes are <paramref name="hash"/>.</summary>
    public static Digest OfSha512(ReadOnlySpan<byte> hash) => new("sha512:" + Convert.ToHexStringLower(hash));

    /// <summary>The SHA-256 digest of <paramref name="content"/>.</summary>
    public static Digest Compute(ReadOnlySpan<byte> content) =>
        OfSha256(System.Security.Cryptography.SHA256.HashData(content));

    /// <summary>The digest of <paramref name="content"/> by this one's algorithm.</summary>
    public Digest ComputeAlike(ReadOnlySpan<byte> content) =>
        Algorithm == "sha512" ? OfSha512(System.Security.Cryptography.SHA512.HashData(content)) : Compute(content);

    public override string ToString() => _value ?? "";
}

internal sealed class DigestJson : JsonConverter<Digest>
{
    public override Digest Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Digest.Parse(reader.GetString());

    public override void Write(Utf8JsonWriter writer, Digest value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}
