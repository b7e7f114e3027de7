using Gantry.Containers;
using Gantry.Containers.Volumes;
using Gantry.Cri.Api;
using Gantry.Faults;
using MountPropagation = Gantry.Containers.MountPropagation;

namespace Gantry.Cri.Translation;

/// <summary>Parses one mount of a ContainerConfig.</summary>
internal static class MountFromCri
{
    /// <exception cref="InvalidRequestException">A field is wrong, or contradicts another.</exception>
    public static MountSpec Translate(Mount mount)
    {
        if (!PodSpecFromCri.IsPlainPath(mount.ContainerPath))
            throw new InvalidRequestException($"config.mounts: container_path '{PodSpecFromCri.Shown(mount.ContainerPath)}' is not an absolute path without '..'");
        var field = $"config.mounts: mount {PodSpecFromCri.Shown(mount.ContainerPath)}";
        if (!Enum.IsDefined(mount.Propagation))
            throw new InvalidRequestException($"{field}: propagation {(int)mount.Propagation} is none that this runtime knows");
        CheckSource(mount, field);
        CheckRecursion(mount, field);
        if (mount.MountOptions.FirstOrDefault(option => !MountOptions.IsKnown(option)) is { } unknown)
            throw new InvalidRequestException($"{field}: mount option '{PodSpecFromCri.Shown(unknown)}' is none of {string.Join(", ", MountOptions.Names)}");
        var (uids, gids) = UserNamespaceFromCri.Translate(mount);
        return new MountSpec(mount.ContainerPath, mount.HostPath)
        {
            ReadOnly = mount.Readonly,
            RecursiveReadOnly = mount.RecursiveReadOnly,
            SelinuxRelabel = mount.SelinuxRelabel,
            Propagation = (MountPropagation)(int)mount.Propagation,
            UidMappings = uids,
            GidMappings = gids,
            Image = IsOfImage(mount) ? ContainerSpecFromCri.Image(mount.Image) : null,
            ImageSubPath = mount.ImageSubPath,
            Options = [.. mount.MountOptions],
        };
    }

    private static bool IsOfImage(Mount mount) => mount.Image is { Image.Length: > 0 };

    private static void CheckSource(Mount mount, string field)
    {
        if (!IsOfImage(mount))
        {
            if (mount.ImageSubPath.Length > 0)
                throw new InvalidRequestException($"{field}: image_sub_path is given without an image");
            if (!PodSpecFromCri.IsPlainPath(mount.HostPath))
                throw new InvalidRequestException($"{field}: host_path '{PodSpecFromCri.Shown(mount.HostPath)}' is not an absolute path without '..'");
            return;
        }
        if (mount.HostPath.Length > 0)
            throw new InvalidRequestException($"{field}: it has both an image and a host_path");
        if (!mount.Readonly)
            throw new InvalidRequestException($"{field}: a volume of an image is read-only: set readonly");
        if (mount.ImageSubPath.StartsWith('/') || mount.ImageSubPath.Contains('\0') || mount.ImageSubPath.Split('/').Contains(".."))
            throw new InvalidRequestException($"{field}: image_sub_path '{PodSpecFromCri.Shown(mount.ImageSubPath)}' is not a relative path without '..'");
    }

    private static void CheckRecursion(Mount mount, string field)
    {
        if (!mount.RecursiveReadOnly)
            return;
        if (!mount.Readonly)
            throw new InvalidRequestException($"{field}: it is recursively read-only and not read-only: set readonly too");
        if (mount.Propagation is not Api.MountPropagation.PropagationPrivate)
            throw new InvalidRequestException($"{field}: it is recursively read-only, which needs private propagation");
    }
}
