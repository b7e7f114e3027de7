using Gantry.Cli.Output;

namespace Gantry.Cli.Naming;

/// <summary>
/// Finds what the user named. In this order: a full id, a name, a prefix of an id. Where a name fits several attempts of one
/// pod or container, the newest is meant; where it fits different ones, the user must choose.
/// </summary>
internal static class NameLookup
{
    /// <summary>The pod with that id, prefix, name or namespace/name; null if there is none.</summary>
    public static NodePod? FindPod(this Inventory inventory, string name)
    {
        if (inventory.Pods.FirstOrDefault(pod => pod.Id == name) is { } exact)
            return exact;
        var named = Newest(inventory.Pods.Where(pod => pod.FullName == name || pod.Name == name), pod => pod.FullName, pod => pod.CreatedAt);
        if (named.Count > 0)
            return Only(named, "pod", name, pod => pod.FullName, "write namespace/name");
        var prefixed = IsPrefix(name) ? inventory.Pods.Where(pod => pod.Id.StartsWith(name, StringComparison.Ordinal)).ToList() : [];
        return Only(prefixed, "pod", name, pod => $"{HumanText.ShortId(pod.Id)} ({pod.FullName})", "write more of the id");
    }

    /// <summary>The container with that id, prefix, name, pod/name or namespace/pod/name; null if there is none.</summary>
    public static (NodePod Pod, NodeContainer Container)? FindContainer(this Inventory inventory, string name)
    {
        var exact = inventory.Containers.Where(one => one.Container.Id == name).ToList();
        if (exact.Count > 0)
            return exact[0];
        var named = Newest(
            inventory.Containers.Where(one => IsNamed(one.Pod, one.Container, name)), FullName, one => one.Container.CreatedAt);
        if (named.Count > 0)
            return Only(named, "container", name, FullName, "write pod/container, or the id");
        var prefixed = IsPrefix(name)
            ? inventory.Containers.Where(one => one.Container.Id.StartsWith(name, StringComparison.Ordinal)).ToList()
            : [];
        return prefixed.Count == 0
            ? null
            : Only(prefixed, "container", name, one => $"{HumanText.ShortId(one.Container.Id)} ({FullName(one)})", "write more of the id");
    }

    /// <summary>A pod, or a container alone; a pod of that name goes first.</summary>
    /// <exception cref="CommandException">Nothing has that name.</exception>
    public static (NodePod Pod, NodeContainer? Container) Find(this Inventory inventory, string name)
    {
        if (inventory.Pods.FirstOrDefault(pod => pod.Id == name) is { } pod)
            return (pod, null);
        if (inventory.Containers.FirstOrDefault(one => one.Container.Id == name) is { Container: not null } container)
            return container;
        if (inventory.FindPod(name) is { } named)
            return (named, null);
        return inventory.FindContainer(name) is { } found
            ? found
            : throw CommandException.NotFound($"pod or container {name} not found; see 'gantry ps --all'.");
    }

    /// <summary>The one container that a pod's or container's name, with an optional -c, means for logs and exec.</summary>
    /// <param name="note">Told when a choice was made for the user.</param>
    public static (NodePod Pod, NodeContainer Container) FindOne(this Inventory inventory, string name, string? inPod, Action<string> note)
    {
        var (pod, container) = inventory.Find(name);
        if (container is not null)
            return inPod is null || inPod == container.Name
                ? (pod, container)
                : throw CommandException.Usage($"{name} is a container already; -c goes with a pod's name.");
        var candidates = Newest(pod.Containers, one => one.Name, one => one.CreatedAt);
        var names = string.Join(", ", candidates.Select(one => one.Name));
        if (inPod is not null)
            return candidates.FirstOrDefault(one => one.Name == inPod) is { } asked
                ? (pod, asked)
                : throw CommandException.NotFound($"container {inPod} not found in pod {pod.FullName}; it has: {(names.Length > 0 ? names : "none")}.");
        if (candidates.Count == 1)
            return (pod, candidates[0]);
        if (candidates.Count == 0)
            throw CommandException.NotFound($"pod {pod.FullName} has no containers.");
        // A pod whose init containers are done has one that is meant.
        var running = candidates.Where(one => one.IsRunning).ToList();
        if (running.Count != 1)
            throw CommandException.Usage($"pod {pod.FullName} has several containers ({names}); choose one with -c.");
        note($"gantry: container {running[0].Name} of {names}; choose another with -c.");
        return (pod, running[0]);
    }

    private static string FullName((NodePod Pod, NodeContainer Container) one) => $"{one.Pod.FullName}/{one.Container.Name}";

    private static bool IsNamed(NodePod pod, NodeContainer container, string name) =>
        container.Name == name || $"{pod.Name}/{container.Name}" == name || $"{pod.FullName}/{container.Name}" == name;

    private static bool IsPrefix(string name) => name.Length > 0 && name.All(char.IsAsciiHexDigitLower);

    private static List<T> Newest<T>(IEnumerable<T> all, Func<T, string> key, Func<T, long> createdAt) =>
        [.. all.GroupBy(key).Select(group => group.MaxBy(createdAt)!)];

    private static T? Only<T>(List<T> found, string kind, string name, Func<T, string> show, string remedy) => found.Count switch
    {
        0 => default,
        1 => found[0],
        _ => throw CommandException.Failed(
            $"{kind} {name} could be any of {string.Join(", ", found.Take(5).Select(show))}{(found.Count > 5 ? ", ..." : "")}: {remedy}."),
    };
}
