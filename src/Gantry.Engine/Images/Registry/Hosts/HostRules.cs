using Gantry.Faults;

namespace Gantry.Images.Registry.Hosts;

/// <summary>
/// Which servers serve an image, by the files that operators have already: containerd's certs.d (a directory a registry,
/// with hosts.toml, or with Docker's certificates alone), containers' registries.conf, and certs.d's _default for the rest.
/// Read anew for each pull, so that a change needs no restart.
/// </summary>
/// <param name="certsDirectories">certs.d folders; the first that knows a registry counts.</param>
/// <param name="registriesConf">The file whose drop-ins are beside it in a folder of its name and ".d"; empty for none.</param>
public sealed class HostRules(IReadOnlyList<string> certsDirectories, string registriesConf = "")
{
    /// <summary>The servers in the order in which to ask them; the registry itself is the last.</summary>
    /// <exception cref="WrongStateException">A file is wrong, or the registry is blocked; the message names file and line.</exception>
    public IReadOnlyList<RegistryHost> For(ImageReference image)
    {
        var registry = image.Registry;
        string[] names = registry.Contains(':', StringComparison.Ordinal) ? [registry.Replace(':', '_') + "_", registry] : [registry];
        return InDirectories(names, registry)
            ?? (registriesConf.Length > 0 ? RegistriesConf.For(registriesConf, image) : null)
            ?? InDirectories(["_default"], registry)
            ?? [RegistryHost.Own(registry)];
    }

    private IReadOnlyList<RegistryHost>? InDirectories(string[] names, string registry)
    {
        foreach (var directory in certsDirectories)
        {
            foreach (var name in names)
            {
                var folder = Path.Combine(directory, name);
                var file = Path.Combine(folder, "hosts.toml");
                if (File.Exists(file))
                    return HostsToml.Parse(File.ReadAllText(file), file, registry);
                // An empty folder says nothing, and must not hide what _default says.
                if (Directory.Exists(folder) && Certificates(folder) is { } tls)
                    return [RegistryHost.Own(registry) with { Tls = tls, Reason = $"the image's registry, with the certificates in {folder}" }];
            }
        }
        return null;
    }

    /// <summary>Docker's layout: *.crt are authorities, NAME.cert and NAME.key a client's.</summary>
    private static HostTls? Certificates(string folder)
    {
        var authorities = Directory.EnumerateFiles(folder, "*.crt").Order(StringComparer.Ordinal).ToList();
        var clients = new List<(string, string)>();
        foreach (var certificate in Directory.EnumerateFiles(folder, "*.cert").Order(StringComparer.Ordinal))
        {
            var key = Path.ChangeExtension(certificate, ".key");
            clients.Add((certificate, File.Exists(key) ? key : throw new WrongStateException($"{certificate} has no key beside it: {key} is missing")));
        }
        return authorities.Count + clients.Count == 0 ? null : new HostTls(false, authorities, clients);
    }
}
