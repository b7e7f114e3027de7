using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux.Mounts;
using Gantry.Linux.Namespaces;
using Gantry.Persistence;

namespace Gantry.Networking;

/// <summary>The namespaces that a pod asks for, and what is set in them.</summary>
public sealed record NamespaceRequest(PodId Pod, bool Network, bool Ipc, bool Uts, string Hostname, IReadOnlyDictionary<string, string> Sysctls)
{
    /// <summary>A user namespace that owns the others; null for the node's.</summary>
    public UserNamespace? User { get; init; }
}

/// <summary>The ids of a user namespace.</summary>
public sealed record UserNamespace(IReadOnlyList<IdMapping> Uids, IReadOnlyList<IdMapping> Gids)
{
    /// <summary>The node's id of the namespace's root.</summary>
    public uint RootUid => Uids.Select(mapping => mapping.ToHost(0)).First(id => id is not null)!.Value;

    /// <inheritdoc cref="RootUid"/>
    public uint RootGid => Gids.Select(mapping => mapping.ToHost(0)).First(id => id is not null)!.Value;
}

/// <summary>Keeps a pod's namespaces alive without a process: as files that they are mounted on.</summary>
public interface INamespacePins
{
    /// <summary>Makes the namespaces and pins each at <see cref="NodePaths.PodNamespace"/>.</summary>
    /// <returns>The kinds that were pinned.</returns>
    /// <exception cref="InvalidRequestException">A sysctl is not allowed, or the kernel does not know it.</exception>
    Task<IReadOnlyList<string>> PinAsync(NamespaceRequest request, CancellationToken cancel);

    /// <summary>Lets the namespaces go; those that are not there are fine.</summary>
    void Unpin(PodId id);
}

/// <inheritdoc cref="INamespacePins"/>
public sealed class NamespacePins(NodePaths paths) : INamespacePins
{
    private static readonly string[] _kinds = ["net", "ipc", "uts", "user"];

    public async Task<IReadOnlyList<string>> PinAsync(NamespaceRequest request, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        foreach (var name in request.Sysctls.Keys)
            PodSysctls.Check(request, name);
        var kinds = (request.Network ? NamespaceKinds.Network : 0) | (request.Ipc ? NamespaceKinds.Ipc : 0) | (request.Uts ? NamespaceKinds.Uts : 0);
        var pinned = Kinds(request);
        try
        {
            if (request.User is { } user)
                await PinOfHolderAsync(request, user, kinds, pinned);
            else
                await NamespaceThread.RunAsync(kinds, () => PinOfThread(request, pinned));
        }
        catch
        {
            Unpin(request.Pod);
            throw;
        }
        return pinned;
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

    private static List<string> Kinds(NamespaceRequest request)
    {
        var kinds = new List<string>();
        if (request.Network)
            kinds.Add("net");
        if (request.Ipc)
            kinds.Add("ipc");
        if (request.Uts)
            kinds.Add("uts");
        if (request.User is not null)
            kinds.Add("user");
        return kinds;
    }

    private async Task PinOfHolderAsync(NamespaceRequest request, UserNamespace user, NamespaceKinds kinds, List<string> pinned)
    {
        using (var holder = NamespaceHolder.Start(kinds, user.Uids, user.Gids))
        {
            foreach (var kind in pinned)
                Pin(request.Pod, kind, holder.PathOf(kind));
        }
        await NamespaceThread.RunInAsync([.. pinned.Where(kind => kind != "user").Select(kind => paths.PodNamespace(request.Pod, kind))], () => SetUp(request));
    }

    private void PinOfThread(NamespaceRequest request, List<string> pinned)
    {
        SetUp(request);
        foreach (var kind in pinned)
            Pin(request.Pod, kind, $"/proc/thread-self/ns/{kind}");
    }

    private void Pin(PodId pod, string kind, string source)
    {
        var file = paths.PodNamespace(pod, kind);
        File.OpenHandle(file, FileMode.CreateNew, FileAccess.Write).Dispose();
        Mount.Bind(source, file);
    }

    /// <summary>On a thread that is in the namespaces, and dies after.</summary>
    private static void SetUp(NamespaceRequest request)
    {
        if (request.Network)
            NamespaceThread.BringLoopbackUp();
        if (request.Uts && request.Hostname.Length > 0)
            NamespaceThread.SetHostName(request.Hostname);
        PodSysctls.Write(request);
    }
}
