using Gantry.Faults;
using Gantry.Linux.Files;
using Gantry.Linux.Mounts;
using Gantry.Linux.Namespaces;
using Gantry.Persistence;
using Gantry.Snapshots;

namespace Gantry.Containers.Volumes;

/// <summary>Something that a node can do, or why it cannot.</summary>
/// <param name="Reason">Null where it can.</param>
public sealed record NodeFeature(string? Reason)
{
    public bool IsThere => Reason is null;
}

/// <summary>What this node's kernel and file systems can do for mounts, found out by doing it, once.</summary>
public sealed class MountFeatures
{
    private readonly Lazy<NodeFeature> _recursiveReadOnly;
    private readonly Lazy<NodeFeature> _userNamespaces;

    public MountFeatures(NodePaths paths)
    {
        _recursiveReadOnly = new(() => Try(() => TryRecursiveReadOnly(paths)));
        _userNamespaces = new(() => Try(() => TryUserNamespace(paths)));
    }

    /// <summary>Mounts that are read-only with everything that is mounted below them.</summary>
    public NodeFeature RecursiveReadOnly => _recursiveReadOnly.Value;

    /// <summary>Pods with a user namespace: the layers can be shown with mapped ids, and the way to a root is open.</summary>
    public NodeFeature UserNamespaces => _userNamespaces.Value;

    private static NodeFeature Try(Action attempt)
    {
        try
        {
            attempt();
            return new NodeFeature(null as string);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or GantryException)
        {
            return new NodeFeature(e.Message);
        }
    }

    private static void TryRecursiveReadOnly(NodePaths paths)
    {
        using var tree = MountTree.Copy(paths.State, recursive: true);
        tree.Change(MountAttributes.ReadOnly);
    }

    /// <summary>An overlay whose lower layer has mapped ids, seen by the eyes of the node: 0 on disk is the namespace's root.</summary>
    private static void TryUserNamespace(NodePaths paths)
    {
        const uint Root = 1_000_000;
        if (NamespaceRootAccess.FirstClosed(Path.GetDirectoryName(paths.State)!) is { } closed)
            throw new WrongStateException($"{closed} lets nobody but its owner pass, and the way to containers' roots leads through it: chmod a+x {closed}");
        var work = $"{paths.State}/probe-{Guid.NewGuid():N}";
        var probe = $"{paths.Snapshots}/probe";
        Directory.CreateDirectory($"{probe}/upper");
        Directory.CreateDirectory($"{probe}/lower");
        Directory.CreateDirectory($"{work}/layers");
        Directory.CreateDirectory($"{work}/root");
        try
        {
            using var holder = NamespaceHolder.Start(NamespaceKinds.None, [new IdMapping(Root, 0, 65536)], [new IdMapping(Root, 0, 65536)]);
            using (var layers = MappedSnapshots.Attach(paths, holder.PathOf("user"), $"{work}/layers"))
                OverlayMount.MountReadOnly([layers.Map($"{probe}/upper"), layers.Map($"{probe}/lower")], $"{work}/root");
            if (FileStatus.TryGet($"{work}/root") is not { Uid: Root })
                throw new WrongStateException("overlayfs does not keep the mapped ids of its layers");
        }
        finally
        {
            Mount.UnmountTree($"{work}/root");
            DirectoryRemover.Remove(work);
            DirectoryRemover.Remove(probe);
        }
    }
}
