using System.Security.Cryptography;
using System.Text;
using Gantry.Faults;

namespace Gantry.Images.Registry.Access;

/// <summary>What may be shown to one registry. Its text never holds a secret.</summary>
public sealed class RegistryCredentials
{
    /// <summary>Of this process: a fingerprint says nothing to anybody who has not the key.</summary>
    private static readonly byte[] _fingerprintKey = RandomNumberGenerator.GetBytes(32);

    public RegistryCredentials(string username, string password, string identityToken, string registryToken, string source)
    {
        Username = username;
        Password = password;
        IdentityToken = identityToken;
        RegistryToken = registryToken;
        Source = source;
        var all = $"{username.Length}:{username}{password.Length}:{password}{identityToken.Length}:{identityToken}{registryToken}";
        Fingerprint = Convert.ToHexStringLower(HMACSHA256.HashData(_fingerprintKey, Encoding.UTF8.GetBytes(all)));
    }

    public string Username { get; }

    public string Password { get; }

    /// <summary>A refresh token, which a token server turns into one for a repository.</summary>
    public string IdentityToken { get; }

    /// <summary>A bearer token, to be shown as it is.</summary>
    public string RegistryToken { get; }

    /// <summary>Where they come from; for people.</summary>
    public string Source { get; }

    /// <summary>Equal for equal credentials: the key by which tokens and pulls are shared.</summary>
    internal string Fingerprint { get; }

    /// <summary>What must never be written anywhere.</summary>
    internal IEnumerable<string> Secrets => new[] { Basic, Password, IdentityToken, RegistryToken }.Where(secret => secret.Length > 0);

    /// <summary>What goes over the wire for basic authentication; empty without a user.</summary>
    internal string Basic => Username.Length == 0 ? "" : Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Username}:{Password}"));

    /// <summary>From the CRI's AuthConfig; null where it holds nothing.</summary>
    /// <exception cref="InvalidRequestException">The base64 text is none.</exception>
    public static RegistryCredentials? From(string username, string password, string auth, string identityToken, string registryToken)
    {
        if (username.Length == 0 && auth.Length > 0)
        {
            (username, password) = Decode(auth)
                ?? throw new InvalidRequestException("the pull's auth is not base64 of user:password: correct the image pull secret");
        }
        return username.Length + identityToken.Length + registryToken.Length == 0
            ? null
            : new RegistryCredentials(username, password, identityToken, registryToken, "the pull request");
    }

    public override string ToString() => Username.Length > 0 ? $"user {Username}" : IdentityToken.Length > 0 ? "an identity token" : "a registry token";

    /// <summary>User and password of their base64 form; null where it is none. The text itself belongs into no message.</summary>
    internal static (string Username, string Password)? Decode(string auth)
    {
        try
        {
            var text = Encoding.UTF8.GetString(Convert.FromBase64String(auth)).TrimEnd('\0');
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            return colon > 0 ? (text[..colon], text[(colon + 1)..]) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
