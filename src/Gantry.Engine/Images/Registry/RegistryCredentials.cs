using System.Text;
using Gantry.Faults;

namespace Gantry.Images.Registry;

/// <summary>What a pull may show to the image's registry. Its text never holds a secret.</summary>
public sealed record RegistryCredentials(string Username, string Password, string IdentityToken, string RegistryToken)
{
    /// <summary>From the CRI's AuthConfig; null where it holds nothing.</summary>
    /// <exception cref="InvalidRequestException">The base64 text is none.</exception>
    public static RegistryCredentials? From(string username, string password, string auth, string identityToken, string registryToken)
    {
        if (username.Length == 0 && auth.Length > 0)
            (username, password) = Decode(auth);
        return username.Length + identityToken.Length + registryToken.Length == 0 ? null : new RegistryCredentials(username, password, identityToken, registryToken);
    }

    public override string ToString() => Username.Length > 0 ? $"user {Username}" : IdentityToken.Length > 0 ? "an identity token" : "a registry token";

    private static (string Username, string Password) Decode(string auth)
    {
        try
        {
            var text = Encoding.UTF8.GetString(Convert.FromBase64String(auth)).TrimEnd('\0');
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0)
                return (text[..colon], text[(colon + 1)..]);
        }
        catch (FormatException)
        {
            // The text itself stays out of the message: it is a secret, if a broken one.
        }
        throw new InvalidRequestException("the pull's auth is not base64 of user:password: correct the image pull secret");
    }
}
