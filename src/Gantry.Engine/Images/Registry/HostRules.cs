using Gantry.Faults;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace Gantry.Images.Registry;

/// <summary>One server that may serve an image.</summary>
/// <param name="Url">Scheme, host, port and perhaps a path; without a trailing slash.</param>
/// <param name="IsMirror">Not the image's own registry: it gets no credentials of it, and is told which it stands for (ns).</param>
/// <param name="OverridePath">The path is the whole prefix of the API; otherwise /v2 is appended.</param>
/// <param name="SkipVerify">Its certificate is not checked.</param>
/// <param name="CaFile">A further certificate authority; empty for none.</param>
public sealed record RegistryHost(string Url, bool IsMirror, bool OverridePath, bool SkipVerify, string CaFile)
{
    public bool CanPull { get; init; } = true;

    public bool CanResolve { get; init; } = true;

    public string ApiRoot => OverridePath ? Url : Url + "/v2";
}

/// <summary>
/// Which servers serve a registry's images: containerd's certs.d layout, a directory a registry with a hosts.toml in it, and
/// _default for the others. Read anew for each pull, so that a change needs no restart.
/// </summary>
public sealed class HostRules(IReadOnlyList<string> directories)
{
    /// <summary>The servers in the order in which to ask them; the registry itself is the last.</summary>
    /// <exception cref="WrongStateException">A hosts.toml is wrong; the message names file and line.</exception>
    public IReadOnlyList<RegistryHost> For(string registry)
    {
        foreach (var directory in directories)
        {
            foreach (var name in new[] { registry, registry.Replace(":", "_", StringComparison.Ordinal) + "_", "_default" })
            {
                var file = Path.Combine(directory, name, "hosts.toml");
                if (File.Exists(file))
                    return Parse(File.ReadAllText(file), file, registry);
            }
        }
        return [Own(DefaultServer(registry))];
    }

    internal static IReadOnlyList<RegistryHost> Parse(string text, string file, string registry)
    {
        var document = SyntaxParser.Parse(text, file);
        if (document.HasErrors)
            throw new WrongStateException($"{document.Diagnostics[0]}: correct the mirror configuration");
        var server = DefaultServer(registry);
        var own = Own(server);
        foreach (var pair in document.KeyValues)
            own = Name(pair.Key) == "server" ? own with { Url = Value(pair).TrimEnd('/') } : Apply(own, pair, file);
        if (!own.Url.Contains("://", StringComparison.Ordinal))
            own = own with { Url = "https://" + own.Url };
        var hosts = new List<RegistryHost>();
        foreach (var table in document.Tables)
        {
            var parts = Parts(table.Name);
            if (parts is not ["host", var url])
                continue;
            var host = new RegistryHost((url.Contains("://", StringComparison.Ordinal) ? url : "https://" + url).TrimEnd('/'), true, false, false, "");
            foreach (var pair in table.Items)
                host = Apply(host, pair, file);
            hosts.Add(host.Url == own.Url ? host with { IsMirror = false } : host);
        }
        if (hosts.TrueForAll(host => host.Url != own.Url))
            hosts.Add(own);
        return hosts;
    }

    private static RegistryHost Own(string server) => new(server, false, false, false, "");

    /// <summary>Docker Hub's registry has another name than its images.</summary>
    private static string DefaultServer(string registry) => registry == "docker.io" ? "https://registry-1.docker.io" : $"https://{registry}";

    private static RegistryHost Apply(RegistryHost host, KeyValueSyntax pair, string file) => Name(pair.Key) switch
    {
        "capabilities" => host with { CanPull = Value(pair).Contains("\"pull\"", StringComparison.Ordinal), CanResolve = Value(pair).Contains("\"resolve\"", StringComparison.Ordinal) },
        "override_path" => host with { OverridePath = Value(pair) == "true" },
        "skip_verify" => host with { SkipVerify = Value(pair) == "true" },
        "ca" => host with { CaFile = Path.Combine(Path.GetDirectoryName(file)!, Value(pair)) },
        _ => host,
    };

    private static string Name(KeySyntax? key) => key is null ? "" : string.Join('.', Parts(key));

    private static List<string> Parts(KeySyntax? key)
    {
        if (key is null)
            return [];
        var parts = new List<string> { Part(key.Key) };
        foreach (var more in key.DotKeys)
            parts.Add(Part(more.Key));
        return parts;
    }

    private static string Part(BareKeyOrStringValueSyntax? key) => (key?.ToString() ?? "").Trim().Trim('"', '\'');

    private static string Value(KeyValueSyntax pair) => (pair.Value?.ToString() ?? "").Trim().Trim('"', '\'');
}
