using System.Net;
using Gantry.Cri.Api;

namespace Gantry.Conformance.Specs;

/// <summary>Networks, names and shared files of pods.</summary>
internal static class PodNetworkSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("network/address", "a pod has an address of its own, which its status tells and its containers have", AddressAsync),
        new("network/loopback", "the loopback interface of a pod is up", LoopbackAsync),
        new("network/containers-share", "the containers of a pod reach each other on localhost", SharedAsync),
        new("network/pods-reach", "pods reach each other by their addresses", PodsReachAsync),
        new("network/hostname", "a pod's host name is the one that was asked for, in /etc/hostname too", HostnameAsync),
        new("network/resolv-conf", "the resolver configuration is the one that was asked for", ResolvConfAsync),
        new("network/hosts", "/etc/hosts names localhost and the pod", HostsAsync),
        new("network/host-network", "a pod on the host's network has the host's interfaces and name, and no address in its status", HostNetworkAsync),
        new("network/host-port", "a port of the node leads to the pod's, a container port alone to nothing, and it ends with the pod", HostPortAsync),
        new("network/host-address", "a host port with an address is on that address of the node alone", HostAddressAsync),
        new("network/unprivileged-ports", "every user of a pod may bind port 80 and ping", UnprivilegedAsync),
        new("network/shm", "the containers of a pod share a /dev/shm of 64 MiB that nothing can be executed from", SharedMemoryAsync),
        new("network/ipc", "the containers of a pod share System V IPC, and pods do not", IpcAsync),
        new("network/sysctls", "sysctls of the pod's own namespaces are set in the pod, and not on the node", SysctlsAsync),
    ];

    private static async Task AddressAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var address = (await pod.StatusAsync()).Network.Ip;
        Check.True(IPAddress.TryParse(address, out _), address);
        Check.Contains(address, await pod.OutputAsync("ip addr show eth0"));
    }

    private static async Task LoopbackAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        Check.Contains("127.0.0.1", await pod.OutputAsync("ip addr show lo up"));
    }

    private static async Task SharedAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await pod.RunShellAsync("while true; do echo hello | nc -l -p 4711; done");
        await Check.EventuallyAsync(async () => await pod.OutputAsync("nc 127.0.0.1 4711 </dev/null || true") == "hello", "one container answers the other");
    }

    private static async Task PodsReachAsync(SpecContext cri)
    {
        var server = await cri.RunPodAsync();
        await server.RunShellAsync("while true; do echo hello | nc -l -p 80; done");
        var address = (await server.StatusAsync()).Network.Ip;
        var client = await cri.RunPodAsync();
        await Check.EventuallyAsync(async () => await client.OutputAsync($"nc {address} 80 </dev/null || true") == "hello", "one pod answers the other");
    }

    private static async Task HostnameAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync(config => config.Hostname = "my-host");
        Check.Equal("my-host my-host my-host", await pod.OutputAsync("echo $(hostname) $(cat /etc/hostname) $HOSTNAME"));
    }

    private static async Task ResolvConfAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync(config =>
        {
            config.DnsConfig = new DNSConfig();
            config.DnsConfig.Servers.Add(["192.0.2.53", "192.0.2.54"]);
            config.DnsConfig.Searches.Add(["a.example", "b.example"]);
            config.DnsConfig.Options.Add("ndots:5");
        });
        var text = await pod.OutputAsync("cat /etc/resolv.conf");
        foreach (var line in new[] { "nameserver 192.0.2.53", "nameserver 192.0.2.54", "search a.example b.example", "options ndots:5" })
            Check.Contains(line, text);
    }

    private static async Task HostsAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        Check.Contains("localhost", await pod.OutputAsync("cat /etc/hosts"));
    }

    private static async Task HostNetworkAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync(config =>
        {
            config.Hostname = "";
            config.Linux.SecurityContext.NamespaceOptions.Network = NamespaceMode.Node;
        });
        var status = await pod.StatusAsync();
        Check.Equal("", status.Network?.Ip ?? "");
        Check.Equal(NamespaceMode.Node, status.Linux.Namespaces.Options.Network);
        Check.Equal(Environment.MachineName, await pod.OutputAsync("hostname"));
    }

    private static async Task HostPortAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync(config =>
        {
            config.PortMappings.Add(new PortMapping { ContainerPort = 80, HostPort = 31801 });
            config.PortMappings.Add(new PortMapping { ContainerPort = 31802 });
        });
        await pod.RunShellAsync("while true; do echo first | nc -l -p 80; done");
        await pod.RunShellAsync("while true; do echo second | nc -l -p 31802; done");
        await Check.EventuallyAsync(async () => await cri.HeardAsync("127.0.0.1", 31801) == "first", "the node's port answers as the pod's");
        Check.Equal("", await cri.HeardAsync("127.0.0.1", 31802));
        await pod.StopAsync();
        Check.Equal("", await cri.HeardAsync("127.0.0.1", 31801));
    }

    private static async Task HostAddressAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync(config =>
        {
            config.PortMappings.Add(new PortMapping { ContainerPort = 80, HostPort = 31803, HostIp = "127.0.0.1" });
            config.PortMappings.Add(new PortMapping { ContainerPort = 80, HostPort = 31804, HostIp = "0.0.0.0" });
        });
        await pod.RunShellAsync("while true; do echo here | nc -l -p 80; done");
        var other = await pod.OutputAsync("ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'");
        await Check.EventuallyAsync(async () => await cri.HeardAsync("127.0.0.1", 31803) == "here", "the port answers on its address");
        Check.Equal("", await cri.HeardAsync(other, 31803));
        await Check.EventuallyAsync(async () => await cri.HeardAsync(other, 31804) == "here", "the port of all addresses answers on another one");
    }

    private static async Task UnprivilegedAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var output = await pod.OutputAsync(
            "nc -l -p 80 & sleep 0.3; kill %1 && echo bound; cat /proc/sys/net/ipv4/ping_group_range",
            config => config.Linux.SecurityContext.RunAsUser = new Int64Value { Value = 1000 });
        Check.Equal("bound\n0\t2147483647", output);
    }

    private static async Task SharedMemoryAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var writer = await pod.RunShellAsync("echo shared > /dev/shm/file; sleep 1000");
        await Check.EventuallyAsync(async () => (await writer.ExecAsync("cat", "/dev/shm/file")).ExitCode == 0, "the file is written");
        Check.Equal("shared", await pod.OutputAsync("cat /dev/shm/file"));
        var mount = await pod.OutputAsync("grep ' /dev/shm ' /proc/mounts");
        Check.Contains("noexec", mount);
        Check.Contains("nosuid", mount);
        Check.Contains("size=65536k", mount);
    }

    private static async Task IpcAsync(SpecContext cri)
    {
        var first = await cri.RunPodAsync();
        var second = await cri.RunPodAsync();
        var a = await first.OutputAsync("readlink /proc/self/ns/ipc");
        Check.Equal(a, await first.OutputAsync("readlink /proc/self/ns/ipc"));
        Check.True(a != await second.OutputAsync("readlink /proc/self/ns/ipc"));
    }

    private static async Task SysctlsAsync(SpecContext cri)
    {
        const string path = "/proc/sys/kernel/shm_rmid_forced";
        var before = File.ReadAllText(path).Trim();
        var other = before == "1" ? "0" : "1";
        var pod = await cri.RunPodAsync(config =>
        {
            config.Linux.Sysctls["kernel.shm_rmid_forced"] = other;
            config.Linux.Sysctls["net.ipv4.ip_local_port_range"] = "40000 50000";
        });
        Check.Equal(other, await pod.OutputAsync($"cat {path}"));
        Check.Equal("40000\t50000", await pod.OutputAsync("cat /proc/sys/net/ipv4/ip_local_port_range"));
        Check.Equal(before, File.ReadAllText(path).Trim());
    }
}
