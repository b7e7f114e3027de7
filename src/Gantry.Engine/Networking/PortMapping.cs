namespace Gantry.Networking;

public enum TransportProtocol
{
    Tcp = 0,
    Udp = 1,
    Sctp = 2,
}

/// <summary>A port of the pod, and where the node offers it.</summary>
/// <param name="Protocol">Transport.</param>
/// <param name="ContainerPort">1 to 65535.</param>
/// <param name="HostPort">0 where the node does not offer it.</param>
/// <param name="HostAddress">The node's address that offers it; empty for all.</param>
public sealed record PortMapping(TransportProtocol Protocol, int ContainerPort, int HostPort, string HostAddress);

/// <summary>The resolver's configuration that a pod asks for.</summary>
public sealed record DnsSettings(IReadOnlyList<string> Servers, IReadOnlyList<string> Searches, IReadOnlyList<string> Options);
