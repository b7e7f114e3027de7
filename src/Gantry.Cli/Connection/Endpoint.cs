namespace Gantry.Cli.Connection;

/// <summary>The Unix socket of a CRI server.</summary>
internal sealed record Endpoint(string SocketPath)
{
    public const string Default = "unix:///run/gantry/gantry.sock";

    /// <summary>The option's value, or the environment's, or the default.</summary>
    public static Endpoint Choose(string? option, string? environment)
    {
        if (option is not null)
            return Parse(option, "--endpoint");
        return string.IsNullOrEmpty(environment) ? Parse(Default, "") : Parse(environment, "GANTRY_ENDPOINT");
    }

    /// <param name="source">Where the text came from, for the message.</param>
    public static Endpoint Parse(string text, string source)
    {
        // crictl takes a bare path too, and so people type one.
        var path = text.StartsWith("unix://", StringComparison.Ordinal) ? text["unix://".Length..] : text;
        if (!path.StartsWith('/') || path.Contains("://", StringComparison.Ordinal))
            throw CommandException.Usage($"{source} '{text}' is no Unix socket; write unix:///path/to.sock.");
        // sun_path holds 108 bytes, the closing zero included.
        if (System.Text.Encoding.UTF8.GetByteCount(path) > 107)
            throw CommandException.Usage($"{source} '{text}' is longer than the 107 bytes that a socket's path may have.");
        return new Endpoint(path);
    }

    public override string ToString() => "unix://" + SocketPath;
}
