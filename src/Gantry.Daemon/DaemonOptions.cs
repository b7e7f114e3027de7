using System.Reflection;
using Gantry.Configuration;

namespace Gantry;

/// <summary>gantryd's command line.</summary>
public sealed record DaemonOptions
{
    private const string Usage = """
        usage: gantryd [--config FILE] [--root DIR] [--state DIR] [--socket PATH]
               gantryd config default        print the annotated default configuration
               gantryd config dump           print the configuration as it was read
               gantryd --version
        """;

    public string? ConfigPath { get; init; }

    public string? Root { get; init; }

    public string? State { get; init; }

    public string? Socket { get; init; }

    public bool PrintConfig { get; init; }

    /// <summary>What to print instead of running; null to run.</summary>
    public string? Answer { get; init; }

    public int ExitCode { get; init; }

    /// <summary>As "0.1.0", which the kubelet parses.</summary>
    public static string Version { get; } = typeof(DaemonOptions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0";

    public static DaemonOptions Parse(string[] args)
    {
        var options = new DaemonOptions();
        for (var n = 0; n < args.Length; n++)
        {
            var value = n + 1 < args.Length ? args[n + 1] : null;
            switch (args[n])
            {
                case "--version":
                    return options with { Answer = $"gantryd {Version}" };
                case "--help" or "-h":
                    return options with { Answer = Usage };
                case "config" when value is "default":
                    return options with { Answer = ConfigText.Default };
                case "config" when value is "dump":
                    options = options with { PrintConfig = true };
                    n++;
                    break;
                case "--config" when value is not null:
                    options = options with { ConfigPath = value };
                    n++;
                    break;
                case "--root" when value is not null:
                    options = options with { Root = Path.GetFullPath(value) };
                    n++;
                    break;
                case "--state" when value is not null:
                    options = options with { State = Path.GetFullPath(value) };
                    n++;
                    break;
                case "--socket" when value is not null:
                    options = options with { Socket = Path.GetFullPath(value) };
                    n++;
                    break;
                default:
                    return options with { Answer = $"gantryd: '{args[n]}' is not understood\n{Usage}", ExitCode = 2 };
            }
        }
        return options;
    }

    /// <summary>The command line's words count more than the files'.</summary>
    public GantryConfig Apply(GantryConfig config)
    {
        var changed = config with { Root = Root ?? config.Root, State = State ?? config.State };
        return changed with { Socket = Socket ?? (State is not null && config.Socket == new GantryConfig().Socket ? $"{State}/gantry.sock" : config.Socket) };
    }
}
