using Gantry.Containers.Selinux;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images;
using Gantry.Images.Store;
using Gantry.Linux;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;
using Gantry.Linux.Mounts;
using Gantry.Oci.Spec;
using Gantry.Persistence;
using Gantry.Snapshots;

namespace Gantry.Containers.Volumes;

/// <summary>An image that a container has as a volume.</summary>
/// <param name="ContainerPath">Where.</param>
/// <param name="Image">The image's id.</param>
/// <param name="Layers">Its chainIDs, lowest first; they stay unpacked while the container exists.</param>
public sealed record ImageVolume(string ContainerPath, Digest Image, IReadOnlyList<Digest> Layers);

/// <summary>A container's volumes, ready to be bound. Disposing lets go of the images, which by then a record must name.</summary>
public sealed class PreparedVolumes : IDisposable
{
    private readonly List<ImageUse> _uses = [];
    private readonly List<OciMount> _mounts = [];
    private readonly List<ImageVolume> _images = [];

    public IReadOnlyList<OciMount> Mounts => _mounts;

    public IReadOnlyList<ImageVolume> Images => _images;

    public void Dispose()
    {
        foreach (var use in _uses)
            use.Dispose();
    }

    internal void Add(OciMount mount) => _mounts.Add(mount);

    /// <summary>Takes the use over.</summary>
    internal void Add(string containerPath, ImageUse use)
    {
        _uses.Add(use);
        _images.Add(new ImageVolume(containerPath, use.Image.Id, use.Image.ChainIds));
    }
}

/// <summary>
/// Makes a container's volumes ready for its OCI runtime. What is mounted for that lies in the container's own state
/// directory and is taken away when the runtime's create is done: the container has its own copies by then.
/// </summary>
public sealed class VolumeStage(NodePaths paths, ImageStore images, SnapshotStore snapshots)
{
    /// <exception cref="WrongStateException">A host path cannot be mounted as it is asked for.</exception>
    /// <exception cref="RecursiveReadOnlyUnsupportedException">This kernel has no recursive read-only mounts.</exception>
    /// <exception cref="ImageVolumeException">The image is not on this node, or has no such path.</exception>
    /// <exception cref="InvalidRequestException">A directory of the node itself is to be relabelled.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits any more: nothing further is mounted.</exception>
    public PreparedVolumes Prepare(ContainerId id, ContainerSpec spec, ContainerPlace place, CancellationToken given)
    {
        var volumes = new PreparedVolumes();
        try
        {
            for (var n = 0; n < spec.Mounts.Count; n++)
            {
                var mount = spec.Mounts[n];
                var folder = Path.Combine(paths.ContainerVolumes(id), n.ToString(System.Globalization.CultureInfo.InvariantCulture));
                var source = mount.Image is { } image ? FromImage(mount, image, folder, place, volumes) : FromHost(spec, mount, folder, place, given);
                volumes.Add(new OciMount(mount.ContainerPath, "bind", source, Options(mount)));
            }
            return volumes;
        }
        catch
        {
            volumes.Dispose();
            throw;
        }
    }

    /// <summary>Takes away what <see cref="Prepare"/> mounted; nothing there is fine.</summary>
    public void Release(ContainerId id)
    {
        var folder = paths.ContainerVolumes(id);
        if (!Directory.Exists(folder))
            return;
        foreach (var entry in Directory.EnumerateFileSystemEntries(folder))
            Mount.UnmountTree(entry);
        DirectoryRemover.Remove(folder);
    }

    private string FromHost(ContainerSpec spec, MountSpec mount, string folder, ContainerPlace place, CancellationToken given)
    {
        var source = HostVolume.Source(spec.Name, mount);
        given.ThrowIfCancellationRequested();
        HostVolume.CheckPropagation(spec.Name, mount, source);
        if (mount.SelinuxRelabel && place.Labels is { RelabelsVolumes: true } labels)
            FileLabels.SetVolume(spec.Name, mount, source, labels.File, [paths.Root, paths.State], given);
        if (!HostVolume.NeedsStage(mount))
            return source;
        Directory.CreateDirectory(Path.GetDirectoryName(folder)!);
        HostVolume.Stage(spec.Name, mount, source, folder, place);
        return folder;
    }

    private string FromImage(MountSpec mount, ImageSource source, string folder, ContainerPlace place, PreparedVolumes volumes)
    {
        var use = images.Use(source.Reference)
            ?? throw new ImageVolumeException($"mount {mount.ContainerPath}: image {source.Reference} is not on this node; pull it first");
        volumes.Add(mount.ContainerPath, use);
        Directory.CreateDirectory(folder);
        MountImage(use.Image, folder, place);
        return mount.ImageSubPath.Length == 0 ? folder : SubPath(mount, source, folder);
    }

    private void MountImage(ImageRecord image, string folder, ContainerPlace place)
    {
        var trees = image.ChainIds.Reverse().Select(snapshots.TreePath).ToList();
        if (trees.Count == 0)
            throw new ImageVolumeException($"image {image.Id} has no layer, and nothing that could be mounted");
        // A lone layer would be bound, and only what is mounted anew can have a context.
        IReadOnlyList<string> below = place.Labels is not null && trees.Count == 1 ? [EmptyTree(place.Container)] : [];
        if (place.User is null)
        {
            OverlayMount.MountReadOnly([.. trees, .. below], folder, place.Labels?.File);
            return;
        }
        var mapped = folder + ".layers";
        Directory.CreateDirectory(mapped);
        using var layers = MappedSnapshots.Attach(paths, place.NamespacePaths["user"], mapped);
        OverlayMount.MountReadOnly([.. trees.Select(layers.Map), .. below], folder, place.Labels?.File);
    }

    /// <summary>It stays as long as the container: a layer that is removed can't be listed any more, though it is mounted.</summary>
    private string EmptyTree(ContainerId id) => Directory.CreateDirectory(paths.ContainerEmpty(id)).FullName;

    /// <summary>What the path names in the image, its links followed as if the image were the root.</summary>
    private static string SubPath(MountSpec mount, ImageSource source, string folder)
    {
        const int PlaceOnly = 0x200000;
        try
        {
            using var root = RegularFile.OpenDirectory(folder);
            using FileDescriptor found = SafePath.Open(root, System.Text.Encoding.UTF8.GetBytes(mount.ImageSubPath), PlaceOnly);
            return System.Text.Encoding.UTF8.GetString(SafePath.PathOf(found));
        }
        catch (SyscallException e)
        {
            throw new ImageVolumeException($"mount {mount.ContainerPath}: image {source.Reference} has no {mount.ImageSubPath}: {e.Message}", e);
        }
    }

    private static List<string> Options(MountSpec mount)
    {
        var propagation = mount.Propagation switch
        {
            MountPropagation.Bidirectional => "rshared",
            MountPropagation.HostToContainer => "rslave",
            _ => "rprivate",
        };
        // The runtime remounts what it bound, with the attributes that it is told and no others.
        IReadOnlyList<string> more = mount.Image is null ? mount.Options : ["nosuid", "nodev", .. mount.Options];
        return ["rbind", propagation, mount.ReadOnly ? "ro" : "rw", .. more.Distinct()];
    }
}
