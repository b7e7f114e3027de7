using System.Text.RegularExpressions;
using Gantry.Images.Registry.Access;

namespace Gantry.Images.Registry.Http;

/// <summary>Takes out of a stranger's words what must not be told on: this node's secrets, and the queries of addresses, which are often signatures.</summary>
internal static partial class SecretFilter
{
    public static string Clean(string text, RegistryCredentials? credentials)
    {
        foreach (var secret in credentials?.Secrets ?? [])
            text = text.Replace(secret, "***", StringComparison.Ordinal);
        return Address().Replace(text, static match => match.Groups["user"].Success || match.Groups["query"].Success
            ? $"{match.Groups["scheme"].Value}{match.Groups["rest"].Value}"
            : match.Value);
    }

    [GeneratedRegex("""(?<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)(?<user>[^/@\s]*@)?(?<rest>[^\s?"'<>]*)(?<query>\?[^\s"'<>]*)?""")]
    private static partial Regex Address();
}
