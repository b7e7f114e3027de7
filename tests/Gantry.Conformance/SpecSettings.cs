using System.Net.Sockets;

namespace Gantry.Conformance;

/// <summary>What specs need to know of the machine and the server under test.</summary>
public sealed record SpecSettings
{
    /// <summary>A folder of this machine for log files and host paths, on a real file system.</summary>
    public required string Folder { get; init; }

    /// <summary>The RuntimeClass handler; empty for the server's default.</summary>
    public string Handler { get; init; } = "";

    /// <summary>In which pods' cgroups are made, in cgroupfs syntax; empty for the server's own choice.</summary>
    public string CgroupParent { get; init; } = "";

    /// <summary>Where the images of the test set are: "docker.io" with the server's mirrors, or a registry's host.</summary>
    public string Registry { get; init; } = "docker.io";

    /// <summary>Whether this machine has only cgroup v2.</summary>
    public bool HasCgroupV2 { get; init; } = File.Exists("/sys/fs/cgroup/cgroup.controllers");

    /// <summary>The network namespace in which the server's pods are reached; empty for this process's own.</summary>
    public string NetworkNamespace { get; init; } = "";

    /// <summary>Connects to a TCP port as the server under test would: for the addresses of its streams.</summary>
    public Func<string, int, Task<Stream>> ConnectAsync { get; init; } = ConnectHereAsync;

    public string Busybox => $"{Registry}/library/busybox:1.36";

    public string Nginx => $"{Registry}/library/nginx:1.19.10";

    /// <summary>An image of the test set by its short name, as "user".</summary>
    public string TestImage(string name) => $"{Registry}/test/{name}:latest";

    private static async Task<Stream> ConnectHereAsync(string host, int port)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(host, port);
        return new NetworkStream(socket, ownsSocket: true);
    }
}
