using System.Text;
using Gantry.Containers.Selinux;
using Gantry.Linux.Files;
using Gantry.Networking;
using Gantry.Persistence;

namespace Gantry.Pods;

/// <summary>The files that a pod's containers share: hosts, hostname and resolv.conf, kept in the pod's directory.</summary>
public static class PodFiles
{
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Writes the three files; the kubelet mounts an /etc/hosts of its own over ours.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public static void Write(NodePaths paths, PodRecord pod, string hostname)
    {
        var spec = pod.Spec;
        Write(paths.PodHostname(pod.Id), hostname + "\n", pod);
        Write(paths.PodHosts(pod.Id), spec.UsesHostNetwork ? ReadOrEmpty("/etc/hosts") : Hosts(hostname, []), pod);
        Write(paths.PodResolvConf(pod.Id), spec.Dns is { } dns ? ResolvConf(dns) : ReadOrEmpty("/etc/resolv.conf"), pod);
    }

    /// <summary>Adds the pod's own addresses to its hosts file.</summary>
    public static void WriteHosts(NodePaths paths, PodRecord pod, string hostname, IReadOnlyList<string> addresses) =>
        Write(paths.PodHosts(pod.Id), Hosts(hostname, addresses), pod);

    /// <summary>A hosts file as hosts(5) describes it.</summary>
    internal static string Hosts(string hostname, IReadOnlyList<string> addresses)
    {
        var text = new StringBuilder("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n"
            + "fe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n");
        foreach (var address in addresses)
            text.Append(address).Append('\t').Append(hostname).Append('\n');
        return text.ToString();
    }

    /// <summary>A resolver configuration as resolv.conf(5) describes it.</summary>
    internal static string ResolvConf(DnsSettings dns)
    {
        var text = new StringBuilder();
        if (dns.Searches.Count > 0)
            text.Append("search ").AppendJoin(' ', dns.Searches).Append('\n');
        foreach (var server in dns.Servers)
            text.Append("nameserver ").Append(server).Append('\n');
        if (dns.Options.Count > 0)
            text.Append("options ").AppendJoin(' ', dns.Options).Append('\n');
        return text.ToString();
    }

    /// <summary>The pod's own root owns the files: the programs that rewrite them run as it.</summary>
    private static void Write(string path, string content, PodRecord pod)
    {
        AtomicFile.Write(path, content, Readable);
        if (pod.Selinux is { } labels)
            FileLabels.Set(path, labels.File);
        if (pod.Spec.Security.Namespaces.UserNamespace is not { } user)
            return;
        using var file = RegularFile.Open(path, 0);
        FileOwnership.SetOwner(file, user.RootUid, user.RootGid, path);
    }

    private static string ReadOrEmpty(string path) => File.Exists(path) ? File.ReadAllText(path) : "";
}
