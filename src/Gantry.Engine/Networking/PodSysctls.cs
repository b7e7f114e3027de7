using System.Globalization;
using Gantry.Faults;
using Gantry.Linux.Namespaces;

namespace Gantry.Networking;

/// <summary>The kernel parameters that belong to a pod's own namespaces, and no others.</summary>
internal static class PodSysctls
{
    private const string PingGroups = "net/ipv4/ping_group_range";

    /// <summary>Refuses what is not of a namespace that the pod has of its own: it would change the node.</summary>
    /// <exception cref="InvalidRequestException">As said.</exception>
    public static void Check(NamespaceRequest request, string name)
    {
        var path = PathOf(name);
        var isPlain = path.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '/') && !path.Split('/').Any(element => element is "" or "." or "..");
        if (!isPlain || !((IsNetwork(path) && request.Network) || (IsIpc(path) && request.Ipc)))
        {
            throw new InvalidRequestException(
                $"pod {request.Pod.Short}: sysctl {name} is not of a namespace that the pod has of its own (net.* without host network; kernel.shm*, kernel.msg*, kernel.sem and fs.mqueue.* without host IPC)");
        }
    }

    /// <summary>Writes the defaults and what is asked for; on a thread in the pod's namespaces that dies after.</summary>
    /// <exception cref="InvalidRequestException">This kernel does not know a name, or refuses a value.</exception>
    public static void Write(NamespaceRequest request)
    {
        var values = new Dictionary<string, string>(request.Network ? Defaults(request.User) : []);
        foreach (var (name, value) in request.Sysctls)
            values[PathOf(name)] = value;
        foreach (var (path, value) in values.Where(pair => IsNetwork(pair.Key)))
            Write(path, value);
        var ipc = values.Where(pair => IsIpc(pair.Key)).ToList();
        // The parameters of an IPC namespace belong to the root of the user namespace that owns it, and to nobody else.
        if (ipc.Count > 0 && request.User is { } user)
            NamespaceThread.BecomeUser(user.RootUid, user.RootGid);
        foreach (var (path, value) in ipc)
            Write(path, value);
    }

    /// <summary>A pod's own: unprivileged ping for each of its groups, and every port open to every user.</summary>
    internal static Dictionary<string, string> Defaults(UserNamespace? user) => new()
    {
        ["net/ipv4/ip_unprivileged_port_start"] = "0",
        // In this thread's ids, which are the node's.
        [PingGroups] = user is null
            ? "0 2147483647"
            : string.Create(CultureInfo.InvariantCulture, $"{user.Gids.Min(range => range.HostId)} {user.Gids.Max(range => range.HostId + range.Length - 1)}"),
    };

    /// <summary>Below /proc/sys: the first separator is the one, and the other kind stands for a dot in an element (sysctl.d(5)).</summary>
    internal static string PathOf(string name)
    {
        var first = name.AsSpan().IndexOfAny('.', '/');
        return first < 0 || name[first] == '/' ? name : string.Create(name.Length, name, (path, from) =>
        {
            for (var n = 0; n < path.Length; n++)
                path[n] = from[n] switch { '.' => '/', '/' => '.', var c => c };
        });
    }

    private static bool IsNetwork(string path) => path.StartsWith("net/", StringComparison.Ordinal);

    private static bool IsIpc(string path) =>
        path is "kernel/sem" or "kernel/shmall" or "kernel/shmmax" or "kernel/shmmni" or "kernel/shm_rmid_forced" or "kernel/msgmax" or "kernel/msgmnb" or "kernel/msgmni"
        || path.StartsWith("fs/mqueue/", StringComparison.Ordinal);

    private static void Write(string path, string value)
    {
        try
        {
            using var handle = File.OpenHandle($"/proc/sys/{path}", FileMode.Open, FileAccess.Write);
            RandomAccess.Write(handle, System.Text.Encoding.ASCII.GetBytes(value), 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidRequestException($"sysctl {path.Replace('/', '.')}={value}: this kernel refuses it: {e.Message}", e);
        }
    }
}
