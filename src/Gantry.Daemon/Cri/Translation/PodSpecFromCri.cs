using System.Net;
using Gantry.Cri.Api;
using Gantry.Faults;
using Gantry.Networking;
using Gantry.Pods;

namespace Gantry.Cri.Translation;

/// <summary>Parses a PodSandboxConfig once; what comes out is checked.</summary>
internal static class PodSpecFromCri
{
    private const int LongestLabel = 4096;
    private const int LongestHostname = 64;

    /// <exception cref="InvalidRequestException">A field is missing or wrong; the message names it.</exception>
    public static PodSpec Translate(PodSandboxConfig? config, string handler)
    {
        var metadata = config?.Metadata ?? throw new InvalidRequestException("config.metadata is missing");
        var linux = config.Linux ?? new LinuxPodSandboxConfig();
        return new PodSpec
        {
            Name = Name(metadata.Name, "config.metadata.name"),
            Namespace = Name(metadata.Namespace, "config.metadata.namespace"),
            Uid = Name(metadata.Uid, "config.metadata.uid"),
            Attempt = metadata.Attempt,
            Hostname = Hostname(config.Hostname),
            LogDirectory = OptionalPath(config.LogDirectory, "config.log_directory"),
            Dns = config.DnsConfig is { } dns ? new DnsSettings(Words(dns.Servers, "servers"), Words(dns.Searches, "searches"), Words(dns.Options, "options")) : null,
            PortMappings = [.. config.PortMappings.Select(Port)],
            Labels = Labels(config.Labels, "config.labels"),
            Annotations = new Dictionary<string, string>(config.Annotations),
            CgroupParent = CgroupParent(linux.CgroupParent),
            Sysctls = Sysctls(linux.Sysctls),
            Overhead = ResourcesFromCri.Translate(linux.Overhead),
            Resources = ResourcesFromCri.Translate(linux.Resources),
            Security = SecurityFromCri.Translate(linux.SecurityContext),
            RuntimeHandler = handler,
        };
    }

    /// <summary>A name that becomes part of keys, arguments and paths.</summary>
    internal static string Name(string text, string field)
    {
        if (text.Length == 0)
            throw new InvalidRequestException($"{field} is empty");
        var isPlain = text.Length <= 253 && text is not ("." or "..") && !text.Any(c => char.IsControl(c) || c is '/' or ';' or '=');
        return isPlain ? text : throw new InvalidRequestException($"{field} is not a plain name: at most 253 characters, without '/', ';', '=' and control characters");
    }

    internal static Dictionary<string, string> Labels(IDictionary<string, string> labels, string field)
    {
        var tooLong = labels.FirstOrDefault(label => label.Key.Length + label.Value.Length > LongestLabel);
        return tooLong.Key is null
            ? new Dictionary<string, string>(labels)
            : throw new InvalidRequestException($"{field}: label {tooLong.Key[..Math.Min(tooLong.Key.Length, 40)]} is longer than {LongestLabel} with its value");
    }

    internal static string OptionalPath(string path, string field) => path.Length == 0 || IsPlainPath(path)
        ? path
        : throw new InvalidRequestException($"{field} is '{Shown(path)}', where an absolute path without '..' is expected");

    internal static bool IsPlainPath(string path) => path.StartsWith('/') && path.Length < 4096 && !path.Contains('\0') && !path.Split('/').Contains("..");

    internal static string Shown(string text) => new([.. text.Take(100).Select(c => char.IsControl(c) ? '?' : c)]);

    /// <summary>A name that the kernel takes (sethostname(2): 64 bytes).</summary>
    private static string Hostname(string name) => name.Length <= LongestHostname && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_')
        ? name
        : throw new InvalidRequestException($"config.hostname '{Shown(name)}' is none: at most {LongestHostname} letters, digits, '-', '.' and '_'");

    /// <summary>Words of resolv.conf: white space in one would begin another line.</summary>
    private static List<string> Words(IEnumerable<string> words, string field) => words.FirstOrDefault(word => word.Length == 0 || word.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))) is { } wrong
        ? throw new InvalidRequestException($"config.dns_config.{field}: '{Shown(wrong)}' is empty or holds white space")
        : [.. words];

    /// <summary>Their names are checked where the pod's namespaces are known; here, what no file of /proc/sys takes.</summary>
    private static Dictionary<string, string> Sysctls(IDictionary<string, string> sysctls) => sysctls.FirstOrDefault(sysctl => sysctl.Key.Length == 0 || sysctl.Value.Any(char.IsControl)) is { Key: { } name }
        ? throw new InvalidRequestException($"linux.sysctls: '{Shown(name)}' has no name, or a value with control characters")
        : new Dictionary<string, string>(sysctls);

    private static string CgroupParent(string parent)
    {
        if (parent.EndsWith(".slice", StringComparison.Ordinal))
            throw new InvalidRequestException($"linux.cgroup_parent {Shown(parent)} is a systemd slice, and this node's driver is cgroupfs: set the kubelet's cgroupDriver to cgroupfs");
        if (parent.Contains(':'))
            throw new InvalidRequestException($"linux.cgroup_parent {Shown(parent)} is in systemd's form, and this node's driver is cgroupfs: set the kubelet's cgroupDriver to cgroupfs");
        var isPlain = parent.Length < 2048 && parent.Split('/').All(part => part is not ("." or "..") && part.Length <= 255 && !part.Any(char.IsControl));
        return isPlain ? parent : throw new InvalidRequestException($"linux.cgroup_parent '{Shown(parent)}' is no path of cgroups: names of at most 255 characters between slashes, without '..'");
    }

    private static Networking.PortMapping Port(Api.PortMapping port)
    {
        if (port.ContainerPort is < 1 or > 65535)
            throw new InvalidRequestException($"config.port_mappings: container_port {port.ContainerPort} is not a port from 1 to 65535");
        if (port.HostPort is < 0 or > 65535)
            throw new InvalidRequestException($"config.port_mappings: host_port {port.HostPort} is not a port from 1 to 65535, or 0 for none");
        if (!Enum.IsDefined(port.Protocol))
            throw new InvalidRequestException($"config.port_mappings: protocol {(int)port.Protocol} of port {port.ContainerPort} is none of TCP, UDP and SCTP");
        if (port.HostIp.Length > 0 && !IPAddress.TryParse(port.HostIp, out _))
            throw new InvalidRequestException($"config.port_mappings: host_ip '{Shown(port.HostIp)}' is no address");
        return new Networking.PortMapping((TransportProtocol)(int)port.Protocol, port.ContainerPort, port.HostPort, port.HostIp);
    }
}
