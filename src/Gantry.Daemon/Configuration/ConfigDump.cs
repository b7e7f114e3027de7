using System.Globalization;
using System.Text;
using Gantry.Images.Registry.Access;

namespace Gantry.Configuration;

/// <summary>A configuration as TOML that reads back as the same, but for secrets: what <c>gantryd config dump</c> prints.</summary>
public static class ConfigDump
{
    public static string Of(GantryConfig config)
    {
        var text = new StringBuilder();
        Line(text, "root", Quoted(config.Root));
        Line(text, "state", Quoted(config.State));
        Line(text, "socket", Quoted(config.Socket));
        Line(text, "log_level", Quoted(config.LogLevel));
        Line(text, "monitor", Quoted(config.Monitor));
        Line(text, "pod_init", Quoted(config.PodInit));
        Line(text, "selinux", config.Selinux ? "true" : "false");
        Table(text, "runtime");
        Line(text, "default_handler", Quoted(config.DefaultHandler));
        Line(text, "timeout_seconds", Number(config.RuntimeTimeoutSeconds));
        Line(text, "max_parallel", Number(config.RuntimeMaxParallel));
        Line(text, "cdi_dirs", List(config.CdiDirectories));
        foreach (var (name, handler) in config.Handlers.OrderBy(handler => handler.Key, StringComparer.Ordinal))
            Handler(text, name, handler);
        Table(text, "cni");
        Line(text, "conf_template", Quoted(config.CniConfTemplate));
        Line(text, "conf_dir", Quoted(config.CniConfDirectory));
        Line(text, "bin_dirs", List(config.CniBinDirectories));
        Line(text, "timeout_seconds", Number(config.CniTimeoutSeconds));
        Line(text, "max_parallel", Number(config.CniMaxParallel));
        Line(text, "install_default", config.CniInstallDefault ? "true" : "false");
        Line(text, "default_subnet", Quoted(config.CniDefaultSubnet));
        Registry(text, config.Registry);
        Table(text, "streaming");
        Line(text, "address", Quoted(config.StreamingAddress));
        Line(text, "port", Number(config.StreamingPort));
        Line(text, "tls_cert", Quoted(config.StreamingCertificate));
        Line(text, "tls_key", Quoted(config.StreamingKey));
        Line(text, "tls_client_ca", Quoted(config.StreamingClientAuthorities));
        Line(text, "idle_timeout_seconds", Number(config.StreamingIdleSeconds));
        Line(text, "creation_timeout_seconds", Number(config.StreamingCreationSeconds));
        Table(text, "local_pods");
        Line(text, "log_dir", Quoted(config.LocalPodLogs));
        Line(text, "restart_delay_seconds", Number(config.LocalPodRestartDelaySeconds));
        return text.ToString();
    }

    private static void Handler(StringBuilder text, string name, HandlerConfig handler)
    {
        Table(text, $"runtime.handlers.{Quoted(name)}");
        Line(text, "path", Quoted(handler.Path));
        Line(text, "arguments", List(handler.Arguments));
        Line(text, "environment", List(handler.Environment));
        Line(text, "allowed_annotations", List(handler.AllowedAnnotations));
        Line(text, "privileged_without_host_devices", handler.PrivilegedWithoutHostDevices ? "true" : "false");
    }

    private static void Registry(StringBuilder text, RegistryConfig config)
    {
        Table(text, "registry");
        Line(text, "certs_dirs", List(config.CertsDirectories));
        Line(text, "registries_conf", Quoted(config.RegistriesConf));
        Line(text, "auth_files", List(config.AuthFiles));
        Line(text, "credential_helper_dirs", List(config.HelperFolders));
        Line(text, "max_parallel_downloads", Number(config.MaxParallelDownloads));
        Line(text, "max_parallel_downloads_of_pull", Number(config.MaxParallelDownloadsOfPull));
        Line(text, "no_progress_seconds", Number(config.NoProgressSeconds));
        Line(text, "retry_seconds", Number(config.RetrySeconds));
        Line(text, "download_mib_per_second", Number(config.DownloadBytesPerSecond >> 20));
        Line(text, "unpack_mib_per_second", Number(config.UnpackBytesPerSecond >> 20));
        Line(text, "max_image_mib", Number(config.MaxImageBytes >> 20));
        Line(text, "max_image_files", Number(config.MaxImageFiles));
        Line(text, "max_layers", Number(config.MaxLayers));
        Line(text, "share_listen", Quoted(config.ShareListen));
        Line(text, "share_certificate", Quoted(config.ShareCertificate));
        Line(text, "share_key", Quoted(config.ShareKey));
        Line(text, "share_private", config.SharePrivate ? "true" : "false");
        Line(text, "policy_file", Quoted(config.PolicyFile));
        Line(text, "import_dir", Quoted(config.ImportDirectory));
        Line(text, "scrub_hours", config.ScrubHours.ToString("0.######", CultureInfo.InvariantCulture));
        Line(text, "scrub_mib_per_second", Number(config.ScrubBytesPerSecond >> 20));
        foreach (var (host, server) in config.TokenHosts.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            Line(text, $"token_hosts.{Quoted(host)}", Quoted(server));
        foreach (var (host, limit) in config.DownloadBytesPerSecondByHost.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            Line(text, $"download_mib_per_second_by_host.{Quoted(host)}", Number(limit >> 20));
        foreach (var (host, entry) in config.Auth.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            Credentials(text, host, entry);
    }

    /// <summary>Where a registry's credentials come from, without the secrets: what is printed gets copied.</summary>
    private static void Credentials(StringBuilder text, string host, ConfiguredCredentials entry)
    {
        void Part(string name, string value)
        {
            if (value.Length > 0)
                Line(text, $"auth.{Quoted(host)}.{name}", Quoted(value));
        }
        Part("username", entry.Username);
        Part("password_file", entry.PasswordFile);
        Part("helper", entry.Helper);
        if (entry.Password.Length > 0 || entry.IdentityToken.Length > 0)
            text.Append(CultureInfo.InvariantCulture, $"# auth.{Quoted(host)} has a secret, which is not shown\n");
    }

    private static void Table(StringBuilder text, string name) => text.Append("\n[").Append(name).Append("]\n");

    private static void Line(StringBuilder text, string key, string value) => text.Append(key).Append(" = ").Append(value).Append('\n');

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string List(IReadOnlyList<string> values) => $"[{string.Join(", ", values.Select(Quoted))}]";

    /// <summary>A basic string of TOML.</summary>
    private static string Quoted(string value)
    {
        var text = new StringBuilder("\"");
        foreach (var c in value)
        {
            if (c is '"' or '\\')
                text.Append('\\').Append(c);
            else if (char.IsControl(c))
                text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                text.Append(c);
        }
        return text.Append('"').ToString();
    }
}
