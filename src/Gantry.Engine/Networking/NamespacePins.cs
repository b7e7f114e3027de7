using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux.Files;
using Gantry.Linux.Mounts;
using Gantry.Linux.Namespaces;
using Gantry.Persistence;

namespace Gantry.Networking;

/// <summary>The namespaces that a pod asks for, and what is set in them.</summary>
public sealed record NamespaceRequest(PodId Pod, bool Network, bool Ipc, bool Uts, string Hostname, IReadOnlyDictionary<string, string> Sysctls);

/// <summary>Keeps a pod's namespaces alive without a process: as files that they are mounted on.</summary>
public interface INamespacePins
{
    /// <summary>Makes the namespaces and pins each at <see cref="NodePaths.PodNamespace"/>.</summary>
    /// <returns>The kinds that were pinned.</returns>
    /// <exception cref="InvalidRequestException">A sysctl is not allowed, or the kernel does not know it.</exception>
    Task<IReadOnlyList<string>> PinAsync(NamespaceRequest request, CancellationToken cancel);

    /// <summary>Where a namespace is pinned; empty where it is not, or not any more.</summary>
    string PathOf(PodId id, string kind);

    /// <summary>Lets the namespaces go; those that are not there are fine.</summary>
    void Unpin(PodId id);
}

/// <inheritdoc cref="INamespacePins"/>
public sealed class NamespacePins(NodePaths paths) : INamespacePins
{
    private static readonly string[] _kinds = ["net", "ipc", "uts"];

    /// <summary>A pod's own: unprivileged ping, and every port open to every user.</summary>
    private static readonly Dictionary<string, string> _defaults = new()
    {
        ["net.ipv4.ip_unprivileged_port_start"] = "0",
        ["net.ipv4.ping_group_range"] = "0 2147483647",
    };

    public async Task<IReadOnlyList<string>> PinAsync(NamespaceRequest request, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        foreach (var name in request.Sysctls.Keys)
            CheckSysctl(request, name);
        var kinds = (request.Network ? NamespaceKinds.Network : 0) | (request.Ipc ? NamespaceKinds.Ipc : 0) | (request.Uts ? NamespaceKinds.Uts : 0);
        var pinned = new List<string>();
        try
        {
            await NamespaceThread.RunAsync(kinds, () => SetUp(request, pinned));
        }
        catch
        {
            Unpin(request.Pod);
            throw;
        }
        return pinned;
    }

    public string PathOf(PodId id, string kind)
    {
        // The file alone says nothing: without the namespace on it, it is an empty file, and plugins refuse it.
        var path = paths.PodNamespace(id, kind);
        return FileStatus.TryGet(path) is { } file && FileStatus.TryGet(paths.PodState(id)) is { } folder && DeviceOf(file) != DeviceOf(folder) ? path : "";
    }

    public void Unpin(PodId id)
    {
        foreach (var kind in _kinds)
        {
            var file = paths.PodNamespace(id, kind);
            if (!File.Exists(file))
                continue;
            Mount.Unmount(file, lazy: true);
            File.Delete(file);
        }
    }

    private static (uint, uint) DeviceOf(FileStatus status) => (status.DeviceMajor, status.DeviceMinor);

    private void SetUp(NamespaceRequest request, List<string> pinned)
    {
        if (request.Network)
            NamespaceThread.BringLoopbackUp();
        if (request.Uts && request.Hostname.Length > 0)
            NamespaceThread.SetHostName(request.Hostname);
        var sysctls = new Dictionary<string, string>(request.Network ? _defaults : []);
        foreach (var (name, value) in request.Sysctls)
            sysctls[name] = value;
        foreach (var (name, value) in sysctls)
            WriteSysctl(name, value);
        Pin(request.Network, "net");
        Pin(request.Ipc, "ipc");
        Pin(request.Uts, "uts");

        void Pin(bool isAsked, string kind)
        {
            if (!isAsked)
                return;
            var file = paths.PodNamespace(request.Pod, kind);
            File.OpenHandle(file, FileMode.CreateNew, FileAccess.Write).Dispose();
            Mount.Bind($"/proc/thread-self/ns/{kind}", file);
            pinned.Add(kind);
        }
    }

    /// <summary>Only what the pod's own namespaces hold: anything else would change the node.</summary>
    private static void CheckSysctl(NamespaceRequest request, string name)
    {
        var isNetwork = name.StartsWith("net.", StringComparison.Ordinal);
        var isIpc = name is "kernel.sem" or "kernel.shmall" or "kernel.shmmax" or "kernel.shmmni" or "kernel.shm_rmid_forced" or "kernel.msgmax" or "kernel.msgmnb" or "kernel.msgmni"
            || name.StartsWith("fs.mqueue.", StringComparison.Ordinal);
        var isPlain = name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '/') && !name.Contains("..", StringComparison.Ordinal);
        if (!isPlain || !((isNetwork && request.Network) || (isIpc && request.Ipc)))
        {
            throw new InvalidRequestException(
                $"pod {request.Pod.Short}: sysctl {name} is not of a namespace that the pod has of its own (net.* without host network; kernel.shm*, kernel.msg*, kernel.sem and fs.mqueue.* without host IPC)");
        }
    }

    private static void WriteSysctl(string name, string value)
    {
        // In names with a slash, dots are part of an element (sysctl.d(5)).
        var path = name.Contains('/') ? name : name.Replace('.', '/');
        try
        {
            using var handle = File.OpenHandle($"/proc/sys/{path}", FileMode.Open, FileAccess.Write);
            RandomAccess.Write(handle, System.Text.Encoding.ASCII.GetBytes(value), 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidRequestException($"sysctl {name}={value}: this kernel refuses it: {e.Message}", e);
        }
    }
}
