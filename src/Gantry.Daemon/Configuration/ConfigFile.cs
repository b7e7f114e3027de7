using System.Globalization;
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
        ["runtime.default_handler"] = (config, value) => config with { DefaultHandler = Text(value) },
        ["runtime.cdi_dirs"] = (config, value) => config with { CdiDirectories = Texts(value) },
        ["cni.conf_template"] = (config, value) => config with { CniConfTemplate = Text(value) },
        ["cni.conf_dir"] = (config, value) => config with { CniConfDirectory = AbsolutePath(value) },
        ["cni.bin_dirs"] = (config, value) => config with { CniBinDirectories = Texts(value) },
        ["cni.timeout_seconds"] = (config, value) => config with { CniTimeoutSeconds = Number(value, 1, 3600) },
        ["cni.install_default"] = (config, value) => config with { CniInstallDefault = Flag(value) },
        ["cni.default_subnet"] = (config, value) => config with { CniDefaultSubnet = Text(value) },
        ["registry.certs_dirs"] = (config, value) => config with { CertsDirectories = Texts(value) },
        ["registry.max_parallel_downloads"] = (config, value) => config with { MaxParallelDownloads = Number(value, 1, 100) },
        ["registry.no_progress_seconds"] = (config, value) => config with { NoProgressSeconds = Number(value, 1, 3600) },
        ["local_pods.log_dir"] = (config, value) => config with { LocalPodLogs = AbsolutePath(value) },
    };

    private const string HandlerPrefix = "runtime.handlers.";

    /// <summary>The names of all keys but the handlers', for the test of the documentation.</summary>
    internal static IEnumerable<string> Keys => _keys.Keys;

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
            config = Apply(config, File.ReadAllText(file), file, errors);
        if (!config.Handlers.ContainsKey(config.DefaultHandler))
            errors.Add($"runtime.default_handler is '{config.DefaultHandler}', and runtime.handlers has {string.Join(", ", config.Handlers.Keys)}");
        foreach (var (name, handler) in config.Handlers.Where(handler => handler.Value.Path.Length == 0))
            errors.Add($"runtime.handlers.{name} has no path");
        return errors.Count == 0 ? config : throw new InvalidRequestException(string.Join('\n', errors));
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
            if (_keys.TryGetValue(key, out var apply))
                return apply(config, pair.Value!);
            errors.Add($"{line}: '{key}' is no key of the configuration; 'gantryd config default' prints all of them");
        }
        catch (FormatException e)
        {
            errors.Add($"{line}: {key} is {pair.Value?.ToString().Trim()}, where {e.Message} is expected");
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

    private static string Text(ValueSyntax value) => value is StringValueSyntax text ? text.Value ?? "" : throw new FormatException("text in quotes");

    internal static string AbsolutePath(ValueSyntax value) => Text(value) is ['/', ..] path ? path : throw new FormatException("an absolute path");

    internal static bool Flag(ValueSyntax value) => value is BooleanValueSyntax flag ? flag.Value : throw new FormatException("true or false");

    private static int Number(ValueSyntax value, int least, int most) => value is IntegerValueSyntax { Value: var number } && number >= least && number <= most
        ? (int)number
        : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"a number from {least} to {most}"));

    internal static string OneOf(ValueSyntax value, params string[] choices) => choices.Contains(Text(value)) ? Text(value) : throw new FormatException(string.Join(" or ", choices));

    internal static List<string> Texts(ValueSyntax value) => value is ArraySyntax array
        ? [.. array.Items.Select(item => Text(item.Value!))]
        : throw new FormatException("a list of texts");
}
