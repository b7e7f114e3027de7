using Tomlyn.Syntax;

namespace Gantry.Configuration;

/// <summary>An OCI runtime of the configuration: what a RuntimeClass calls a handler.</summary>
/// <param name="Path">The program.</param>
public sealed record HandlerConfig(string Path)
{
    /// <summary>More arguments before the verb, as "--debug".</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>NAME=value.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>Annotations of pods and containers that the runtime may see; a trailing '*' stands for any rest.</summary>
    public IReadOnlyList<string> AllowedAnnotations { get; init; } = [];

    public bool PrivilegedWithoutHostDevices { get; init; }

    /// <summary>Takes a key of [runtime.handlers.NAME]; null where it has no such key.</summary>
    /// <exception cref="FormatException">The value is of another kind.</exception>
    internal static HandlerConfig? Apply(HandlerConfig before, string key, ValueSyntax value) => key switch
    {
        "path" => before with { Path = ConfigFile.AbsolutePath(value) },
        // The one kind of runtime that there is: a program with the command line of runc.
        "type" => ConfigFile.OneOf(value, "oci") is "oci" ? before : null,
        "arguments" => before with { Arguments = ConfigFile.Texts(value) },
        "environment" => before with { Environment = [.. ConfigFile.Texts(value).Select(Variable)] },
        "allowed_annotations" => before with { AllowedAnnotations = ConfigFile.Texts(value) },
        "privileged_without_host_devices" => before with { PrivilegedWithoutHostDevices = ConfigFile.Flag(value) },
        _ => null,
    };

    private static string Variable(string text) => text.IndexOf('=', StringComparison.Ordinal) > 0 ? text : throw new FormatException("a list of NAME=value");
}
