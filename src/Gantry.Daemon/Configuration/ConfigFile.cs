using System.Globalization;
using System.Net;
using Gantry.Faults;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace Gantry.Configuration;

/// <summary>Reads the configuration's files. Every error of all of them is told at once, with file and line.</summary>
public static class ConfigFile
{
    private static readonly Dictionary<string, Func<GantryConfig, ValueSyntax, GantryConfig>> _keys = new(StringComparer.Ordinal)
    {
        ["root"] = (config, value) => config with { Root = AbsolutePath(value) },
        ["state"] = (config, value) => config with { State = AbsolutePath(value) },
        ["socket"] = (config, value) => config with { Socket = AbsolutePath(value) },
        ["log_level"] = (config, value) => config with { LogLevel = OneOf(value, "debug", "info", "warning", "error") },
        ["monitor"] = (config, value) => config with { Monitor = Text(value) },
        ["pod_init"] = (config, value) => config with { PodInit = AbsolutePath(value) },
        ["selinux"] = (config, value) => config with { Selinux = Flag(value) },
        ["runtime.default_handler"] = (config, value) => config with { DefaultHandler = Text(value) },
        ["runtime.cdi_dirs"] = (config, value) => config with { CdiDirectories = Texts(value) },
        ["runtime.timeout_seconds"] = (config, value) => config with { RuntimeTimeoutSeconds = Number(value, 1, 3600) },
        ["runtime.max_parallel"] = (config, value) => config with { RuntimeMaxParallel = Number(value, 1, 10000) },
        ["cni.conf_template"] = (config, value) => config with { CniConfTemplate = Text(value) },
        ["cni.conf_dir"] = (config, value) => config with { CniConfDirectory = AbsolutePath(value) },
        ["cni.bin_dirs"] = (config, value) => config with { CniBinDirectories = Texts(value) },
        ["cni.timeout_seconds"] = (config, value) => config with { CniTimeoutSeconds = Number(value, 1, 3600) },
        ["cni.max_parallel"] = (config, value) => config with { CniMaxParallel = Number(value, 1, 10000) },
        ["cni.install_default"] = (config, value) => config with { CniInstallDefault = Flag(value) },
        ["cni.default_subnet"] = (config, value) => config with { CniDefaultSubnet = Text(value) },
        ["streaming.address"] = (config, value) => config with { StreamingAddress = NodeAddress(value) },
        ["streaming.port"] = (config, value) => config with { StreamingPort = Number(value, 0, ushort.MaxValue) },
        ["streaming.tls_cert"] = (config, value) => config with { StreamingCertificate = PathOrNone(value) },
        ["streaming.tls_key"] = (config, value) => config with { StreamingKey = PathOrNone(value) },
        ["streaming.tls_client_ca"] = (config, value) => config with { StreamingClientAuthorities = PathOrNone(value) },
        ["streaming.idle_timeout_seconds"] = (config, value) => config with { StreamingIdleSeconds = Number(value, 1, 7 * 24 * 3600) },
        ["streaming.creation_timeout_seconds"] = (config, value) => config with { StreamingCreationSeconds = Number(value, 1, 3600) },
        ["local_pods.log_dir"] = (config, value) => config with { LocalPodLogs = AbsolutePath(value) },
        ["local_pods.restart_delay_seconds"] = (config, value) => config with { LocalPodRestartDelaySeconds = Number(value, 0, 300) },
    };

    private const string HandlerPrefix = "runtime.handlers.";

    /// <summary>The names of all keys but the handlers', for the test of the documentation.</summary>
    internal static IEnumerable<string> Keys => _keys.Keys.Concat(RegistryKeys.Names);

    /// <summary>Reads a file and the conf.d beside it; without a path, the defaults and /etc/gantry.</summary>
    /// <exception cref="InvalidRequestException">A key or value is wrong; the message has a line for each.</exception>
    public static GantryConfig Load(string? path)
    {
        var main = path ?? "/etc/gantry/config.toml";
        if (path is not null && !File.Exists(path))
            throw new InvalidRequestException($"configuration {path} does not exist");
        var files = new List<string>();
        if (File.Exists(main))
            files.Add(main);
        var more = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(main))!, "conf.d");
        if (Directory.Exists(more))
            files.AddRange(Directory.EnumerateFiles(more, "*.toml").Order(StringComparer.Ordinal));
        var config = new GantryConfig();
        var errors = new List<string>();
        foreach (var file in files)
            config = Apply(config, Read(file), file, errors);
        if (config.Root.TrimEnd('/') == config.State.TrimEnd('/'))
            errors.Add($"root and state are both {config.Root}: what survives a reboot and what does not need a directory each");
        if (!config.Handlers.ContainsKey(config.DefaultHandler))
            errors.Add($"runtime.default_handler is '{config.DefaultHandler}', and runtime.handlers has {string.Join(", ", config.Handlers.Keys)}");
        if ((config.StreamingCertificate.Length > 0) != (config.StreamingKey.Length > 0))
            errors.Add("streaming.tls_cert and streaming.tls_key go together: one of them is set, and the other is not");
        if (config.StreamingClientAuthorities.Length > 0 && config.StreamingCertificate.Length == 0)
            errors.Add("streaming.tls_client_ca asks for clients' certificates, which needs streaming.tls_cert and streaming.tls_key");
        if (Sharing.ShareServer.ProblemOf(config.Registry) is { } problem)
            errors.Add(problem);
        foreach (var (name, handler) in config.Handlers.Where(handler => handler.Value.Path.Length == 0))
            errors.Add($"runtime.handlers.{name} has no path");
        return errors.Count == 0 ? config : throw new InvalidRequestException(string.Join('\n', errors));
    }

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidRequestException($"configuration {file} cannot be read: {e.Message}", e);
        }
    }

    internal static GantryConfig Apply(GantryConfig config, string text, string file, List<string> errors)
    {
        var document = SyntaxParser.Parse(text, file);
        foreach (var diagnostic in document.Diagnostics)
            errors.Add(diagnostic.ToString());
        if (document.HasErrors)
            return config;
        foreach (var pair in document.KeyValues)
            config = Apply(config, Name(pair.Key), pair, file, errors);
        foreach (var table in document.Tables)
        {
            if (table is TableArraySyntax)
            {
                errors.Add($"{file}({table.Span.Start.Line + 1}): [[{Name(table.Name)}]] is a list of tables, and the configuration has none: write [{Name(table.Name)}]");
                continue;
            }
            foreach (var pair in table.Items)
                config = Apply(config, $"{Name(table.Name)}.{Name(pair.Key)}", pair, file, errors);
        }
        return config;
    }

    private static GantryConfig Apply(GantryConfig config, string key, KeyValueSyntax pair, string file, List<string> errors)
    {
        var line = $"{file}({pair.Span.Start.Line + 1})";
        try
        {
            if (key.StartsWith(HandlerPrefix, StringComparison.Ordinal) && ApplyHandler(config, key[HandlerPrefix.Length..], pair.Value!) is { } changed)
                return changed;
            if (RegistryKeys.TryApply(config.Registry, key, pair.Value!) is { } registry)
                return config with { Registry = registry };
            if (_keys.TryGetValue(key, out var apply))
                return apply(config, pair.Value!);
            errors.Add($"{line}: '{key}' is no key of the configuration; 'gantryd config default' prints all of them");
        }
        catch (FormatException e)
        {
            // What is wrong with a password is not for a log.
            var shown = key.StartsWith(RegistryKeys.AuthPrefix, StringComparison.Ordinal) ? "of another kind" : pair.Value?.ToString().Trim();
            errors.Add($"{line}: {key} is {shown}, where {e.Message} is expected");
        }
        return config;
    }

    /// <summary>"NAME", whose value is the path, or "NAME.KEY"; null for a key that a handler does not have.</summary>
    private static GantryConfig? ApplyHandler(GantryConfig config, string key, ValueSyntax value)
    {
        var dot = key.IndexOf('.', StringComparison.Ordinal);
        var name = dot < 0 ? key : key[..dot];
        var before = config.Handlers.GetValueOrDefault(name) ?? new HandlerConfig("");
        var after = HandlerConfig.Apply(before, dot < 0 ? "path" : key[(dot + 1)..], value);
        return after is null ? null : config with { Handlers = new Dictionary<string, HandlerConfig>(config.Handlers) { [name] = after } };
    }

    private static string Name(KeySyntax? key) => key is null ? "" : string.Concat(key.ToString().Split('.').Select((part, n) => (n > 0 ? "." : "") + part.Trim().Trim('"', '\'')));

    internal static string Text(ValueSyntax value) => value is StringValueSyntax text ? text.Value ?? "" : throw new FormatException("text in quotes");

    internal static string AbsolutePath(ValueSyntax value) => Text(value) is ['/', ..] path ? path : throw new FormatException("an absolute path");

    private static string PathOrNone(ValueSyntax value) => Text(value) is [] or ['/', ..] ? Text(value) : throw new FormatException("an absolute path, or nothing");

    /// <summary>One that clients can connect to: 0.0.0.0 is none.</summary>
    private static string NodeAddress(ValueSyntax value) => IPAddress.TryParse(Text(value), out var address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any)
        ? address.ToString()
        : throw new FormatException("an address of this node, as 127.0.0.1");

    internal static bool Flag(ValueSyntax value) => value is BooleanValueSyntax flag ? flag.Value : throw new FormatException("true or false");

    internal static int Number(ValueSyntax value, int least, int most) => value is IntegerValueSyntax { Value: var number } && number >= least && number <= most
        ? (int)number
        : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"a number from {least} to {most}"));

    /// <summary>A number that may have a fraction, and is not negative.</summary>
    internal static double Amount(ValueSyntax value, int most)
    {
        var amount = value switch { IntegerValueSyntax whole => whole.Value, FloatValueSyntax real => real.Value, _ => double.NaN };
        return amount >= 0 && amount <= most ? amount : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"a number from 0 to {most}"));
    }

    internal static string OneOf(ValueSyntax value, params string[] choices) => choices.Contains(Text(value)) ? Text(value) : throw new FormatException(string.Join(" or ", choices));

    internal static List<string> Texts(ValueSyntax value) => value is ArraySyntax array
        ? [.. array.Items.Select(item => Text(item.Value!))]
        : throw new FormatException("a list of texts");
}
