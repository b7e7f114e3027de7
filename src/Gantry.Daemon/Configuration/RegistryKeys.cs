using Gantry.Images.Registry.Access;
using Tomlyn.Syntax;

namespace Gantry.Configuration;

/// <summary>The keys below [registry].</summary>
internal static class RegistryKeys
{
    internal const string AuthPrefix = "registry.auth.";
    private const string TokenHostPrefix = "registry.token_hosts.";
    private const string DownloadPrefix = "registry.download_mib_per_second_by_host.";
    private const long MiB = 1 << 20;

    private static readonly Dictionary<string, Func<RegistryConfig, ValueSyntax, RegistryConfig>> _keys = new(StringComparer.Ordinal)
    {
        ["registry.certs_dirs"] = (config, value) => config with { CertsDirectories = ConfigFile.Texts(value) },
        ["registry.registries_conf"] = (config, value) => config with { RegistriesConf = OptionalPath(value) },
        ["registry.auth_files"] = (config, value) => config with { AuthFiles = ConfigFile.Texts(value) },
        ["registry.credential_helper_dirs"] = (config, value) => config with { HelperFolders = ConfigFile.Texts(value) },
        ["registry.max_parallel_downloads"] = (config, value) => config with { MaxParallelDownloads = ConfigFile.Number(value, 1, 100) },
        ["registry.max_parallel_downloads_of_pull"] = (config, value) => config with { MaxParallelDownloadsOfPull = ConfigFile.Number(value, 1, 100) },
        ["registry.no_progress_seconds"] = (config, value) => config with { NoProgressSeconds = ConfigFile.Number(value, 1, 3600) },
        ["registry.retry_seconds"] = (config, value) => config with { RetrySeconds = ConfigFile.Number(value, 0, 3600) },
        ["registry.download_mib_per_second"] = (config, value) => config with { DownloadBytesPerSecond = ConfigFile.Number(value, 0, 100_000) * MiB },
        ["registry.unpack_mib_per_second"] = (config, value) => config with { UnpackBytesPerSecond = ConfigFile.Number(value, 0, 100_000) * MiB },
        ["registry.max_image_mib"] = (config, value) => config with { MaxImageBytes = ConfigFile.Number(value, 1, int.MaxValue) * MiB },
        ["registry.max_image_files"] = (config, value) => config with { MaxImageFiles = ConfigFile.Number(value, 1, int.MaxValue) },
        ["registry.share_listen"] = (config, value) => config with { ShareListen = ConfigFile.Text(value) },
        ["registry.share_certificate"] = (config, value) => config with { ShareCertificate = OptionalPath(value) },
        ["registry.share_key"] = (config, value) => config with { ShareKey = OptionalPath(value) },
        ["registry.share_private"] = (config, value) => config with { SharePrivate = ConfigFile.Flag(value) },
        ["registry.policy_file"] = (config, value) => config with { PolicyFile = ConfigFile.AbsolutePath(value) },
        ["registry.import_dir"] = (config, value) => config with { ImportDirectory = OptionalPath(value) },
        ["registry.scrub_hours"] = (config, value) => config with { ScrubHours = ConfigFile.Amount(value, 100_000) },
        ["registry.scrub_mib_per_second"] = (config, value) => config with { ScrubBytesPerSecond = ConfigFile.Number(value, 1, 100_000) * MiB },
        ["registry.max_layers"] = (config, value) => config with { MaxLayers = ConfigFile.Number(value, 1, 500) },
    };

    /// <summary>Keys with fixed names.</summary>
    internal static IEnumerable<string> Names => _keys.Keys;

    /// <summary>The configuration with the key's value; null where the key is none of the registry's.</summary>
    /// <exception cref="FormatException">The value is of another kind; the message says which is expected.</exception>
    internal static RegistryConfig? TryApply(RegistryConfig config, string key, ValueSyntax value)
    {
        if (_keys.TryGetValue(key, out var apply))
            return apply(config, value);
        if (key.StartsWith(TokenHostPrefix, StringComparison.Ordinal))
            return config with { TokenHosts = With(config.TokenHosts, key[TokenHostPrefix.Length..], ConfigFile.Text(value)) };
        if (key.StartsWith(DownloadPrefix, StringComparison.Ordinal))
            return config with { DownloadBytesPerSecondByHost = With(config.DownloadBytesPerSecondByHost, key[DownloadPrefix.Length..], ConfigFile.Number(value, 0, 100_000) * MiB) };
        return key.StartsWith(AuthPrefix, StringComparison.Ordinal) ? WithAuth(config, key[AuthPrefix.Length..], value) : null;
    }

    /// <param name="rest">A host, which has dots in it, and what of it.</param>
    private static RegistryConfig? WithAuth(RegistryConfig config, string rest, ValueSyntax value)
    {
        var dot = rest.LastIndexOf('.');
        if (dot <= 0)
            return null;
        var host = rest[..dot];
        var before = config.Auth.GetValueOrDefault(host) ?? new ConfiguredCredentials("", "", "", "", "");
        var entry = rest[(dot + 1)..] switch
        {
            "username" => before with { Username = ConfigFile.Text(value) },
            "password" => before with { Password = ConfigFile.Text(value) },
            "password_file" => before with { PasswordFile = ConfigFile.AbsolutePath(value) },
            "identity_token" => before with { IdentityToken = ConfigFile.Text(value) },
            "helper" => before with { Helper = ConfigFile.Text(value) },
            _ => null,
        };
        return entry is null ? null : config with { Auth = With(config.Auth, host, entry) };
    }

    private static Dictionary<string, T> With<T>(IReadOnlyDictionary<string, T> before, string key, T value) => new(before) { [key] = value };

    private static string OptionalPath(ValueSyntax value) => ConfigFile.Text(value) is "" ? "" : ConfigFile.AbsolutePath(value);
}
