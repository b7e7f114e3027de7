using System.Globalization;

namespace Gantry.Images.Registry.Hosts;

/// <summary>
/// Reads containerd's hosts.toml (containerd, docs/hosts.md): server, host tables in their order, and the keys of each. An
/// unknown key is an error, since a misspelt skip_verify or ca would only show as a failed pull.
/// </summary>
internal static class HostsToml
{
    private static readonly string[] _keys = ["capabilities", "ca", "client", "skip_verify", "header", "override_path", "dial_timeout"];

    /// <summary>The servers in the order in which to ask them; the registry itself is the last, unless it is named earlier.</summary>
    /// <exception cref="Faults.WrongStateException">The file is wrong; names file and line.</exception>
    public static IReadOnlyList<RegistryHost> Parse(string text, string file, string registry)
    {
        var root = TomlNode.Parse(text, file);
        foreach (var (name, node) in root.Members)
        {
            if (name is not ("server" or "host") && !_keys.Contains(name))
                throw node.Wrong($"'{name}' is no key of hosts.toml");
        }
        var own = Apply(RegistryHost.Own(registry), root, file) with { Reason = $"the image's registry, after the mirrors of {file}" };
        if (root["server"] is { } server)
            own = own with { Url = ParseUrl(server.Text, server) };
        var hosts = new List<RegistryHost>();
        foreach (var (url, node) in root["host"]?.Members ?? new Dictionary<string, TomlNode>())
        {
            foreach (var (name, member) in node.Members)
            {
                if (!_keys.Contains(name))
                    throw member.Wrong($"'{name}' is no key of a host");
            }
            var parsed = ParseUrl(url, node);
            hosts.Add(Apply(new RegistryHost(parsed, parsed != own.Url), node, file) with { Reason = $"{file}, host \"{url}\"" });
        }
        if (hosts.TrueForAll(host => host.Url != own.Url))
            hosts.Add(own);
        return hosts;
    }

    private static RegistryHost Apply(RegistryHost host, TomlNode node, string file)
    {
        var folder = Path.GetDirectoryName(file)!;
        if (node["capabilities"] is { } capabilities)
            host = host with { Capabilities = capabilities.Items.Aggregate(HostCapabilities.None, (all, item) => all | Capability(item)) };
        if (node["override_path"] is { } overridePath)
            host = host with { OverridePath = overridePath.Flag };
        if (node["skip_verify"] is { } skip)
            host = host with { Tls = host.Tls with { SkipVerify = skip.Flag } };
        if (node["ca"] is { } ca)
            host = host with { Tls = host.Tls with { CaFiles = [.. ca.Texts.Select(name => Path.Combine(folder, name))] } };
        if (node["client"] is { } client)
            host = host with { Tls = host.Tls with { ClientFiles = Clients(client, folder) } };
        if (node["header"] is { } header)
            host = host with { Headers = [.. header.Members.SelectMany(member => member.Value.Texts.Select(value => KeyValuePair.Create(member.Key, Header(member.Key, value, member.Value))))] };
        if (node["dial_timeout"] is { } timeout)
            host = host with { DialTimeout = ParseDuration(timeout) };
        return host;
    }

    private static HostCapabilities Capability(TomlNode item) => item.Text switch
    {
        "pull" => HostCapabilities.Pull,
        "resolve" => HostCapabilities.Resolve,
        "push" => HostCapabilities.None,
        var other => throw item.Wrong($"'{other}' is no capability: pull, resolve or push"),
    };

    /// <summary>A file of both; a list of such files; or a list of pairs of certificate and key.</summary>
    private static List<(string, string)> Clients(TomlNode client, string folder) => client.IsList
        ? [.. client.Items.Select(item => item.IsList ? Pair(item, folder) : (Path.Combine(folder, item.Text), ""))]
        : [(Path.Combine(folder, client.Text), "")];

    private static (string, string) Pair(TomlNode pair, string folder) => pair.Texts switch
    {
        [var certificate, ""] => (Path.Combine(folder, certificate), ""),
        [var certificate, var key] => (Path.Combine(folder, certificate), Path.Combine(folder, key)),
        _ => throw pair.Wrong("a client is a file, or a pair of certificate and key"),
    };

    /// <summary>A line break in a value would make further headers of it.</summary>
    private static string Header(string name, string value, TomlNode node) =>
        name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-') && !value.Any(char.IsControl) ? value : throw node.Wrong($"'{name}' is no header that can be sent");

    internal static Uri ParseUrl(string text, TomlNode node)
    {
        var whole = text.Contains("://", StringComparison.Ordinal) ? text : "https://" + text;
        if (!Uri.TryCreate(whole.TrimEnd('/'), UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0)
            throw node.Wrong("a server is http://HOST[:PORT] or https://HOST[:PORT], perhaps with a path");
        // Credentials in an address end up in logs and errors: they have a place of their own.
        if (url.UserInfo.Length > 0 || url.Query.Length > 0)
            throw node.Wrong("a server's address has credentials or a query in it: credentials belong into [registry.auth]");
        return url;
    }

    /// <summary>Go's durations, as "3s", "500ms", "1m30s".</summary>
    private static TimeSpan ParseDuration(TomlNode node)
    {
        var text = node.Text;
        var total = TimeSpan.Zero;
        var at = 0;
        while (at < text.Length)
        {
            var end = at;
            while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == '.'))
                end++;
            var unitEnd = end;
            while (unitEnd < text.Length && char.IsAsciiLetter(text[unitEnd]))
                unitEnd++;
            var seconds = text[end..unitEnd] switch { "ms" => 0.001, "s" => 1.0, "m" => 60.0, "h" => 3600.0, _ => -1.0 };
            if (seconds < 0 || !double.TryParse(text.AsSpan(at, end - at), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) || number > 1e6)
                throw node.Wrong("a duration is written as 3s, 500ms or 1m30s");
            total += TimeSpan.FromSeconds(number * seconds);
            at = unitEnd;
        }
        return total > TimeSpan.Zero ? total : throw node.Wrong("a duration is written as 3s, 500ms or 1m30s");
    }
}
