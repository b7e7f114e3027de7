using System.Globalization;
using System.Text;

namespace Gantry.Configuration;

/// <summary>A configuration as TOML that reads back as the same: what <c>gantryd config dump</c> prints.</summary>
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
        Table(text, "runtime");
        Line(text, "default_handler", Quoted(config.DefaultHandler));
        Line(text, "timeout_seconds", Number(config.RuntimeTimeoutSeconds));
        Line(text, "max_parallel", Number(config.RuntimeMaxParallel));
        Table(text, "runtime.handlers");
        foreach (var (name, path) in config.Handlers.OrderBy(handler => handler.Key, StringComparer.Ordinal))
            Line(text, Quoted(name), Quoted(path));
        Table(text, "cni");
        Line(text, "conf_dir", Quoted(config.CniConfDirectory));
        Line(text, "bin_dirs", List(config.CniBinDirectories));
        Line(text, "timeout_seconds", Number(config.CniTimeoutSeconds));
        Line(text, "max_parallel", Number(config.CniMaxParallel));
        Line(text, "install_default", config.CniInstallDefault ? "true" : "false");
        Line(text, "default_subnet", Quoted(config.CniDefaultSubnet));
        Table(text, "registry");
        Line(text, "certs_dirs", List(config.CertsDirectories));
        Line(text, "max_parallel_downloads", Number(config.MaxParallelDownloads));
        Line(text, "no_progress_seconds", Number(config.NoProgressSeconds));
        Table(text, "local_pods");
        Line(text, "log_dir", Quoted(config.LocalPodLogs));
        Line(text, "restart_delay_seconds", Number(config.LocalPodRestartDelaySeconds));
        return text.ToString();
    }

    private static void Table(StringBuilder text, string name) => text.Append("\n[").Append(name).Append("]\n");

    private static void Line(StringBuilder text, string key, string value) => text.Append(key).Append(" = ").Append(value).Append('\n');

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

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
