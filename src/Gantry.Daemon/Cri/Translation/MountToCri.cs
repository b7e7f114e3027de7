using Gantry.Containers;
using Gantry.Cri.Api;
using Gantry.Linux.Namespaces;

namespace Gantry.Cri.Translation;

/// <summary>Mounts as statuses tell of them: as they were asked for, since the kubelet finds its own files by that.</summary>
internal static class MountToCri
{
    public static Mount Translate(MountSpec mount, ContainerRecord container)
    {
        var message = new Mount
        {
            ContainerPath = mount.ContainerPath,
            HostPath = mount.HostPath,
            Readonly = mount.ReadOnly,
            RecursiveReadOnly = mount.RecursiveReadOnly,
            SelinuxRelabel = mount.SelinuxRelabel,
            Propagation = (Api.MountPropagation)(int)mount.Propagation,
            ImageSubPath = mount.ImageSubPath,
            Image = mount.Image is { } image ? StatusToCri.Image(image) : null,
        };
        message.UidMappings.Add(mount.UidMappings.Select(Mapping));
        message.GidMappings.Add(mount.GidMappings.Select(Mapping));
        message.MountOptions.Add(mount.Options);
        if (message.Image is not null && container.ImageVolumes.FirstOrDefault(volume => volume.ContainerPath == mount.ContainerPath) is { } volume)
            message.Image.ImageRef = volume.Image.Value;
        return message;
    }

    public static IDMapping Mapping(IdMapping mapping) => new() { HostId = mapping.HostId, ContainerId = mapping.ContainerId, Length = mapping.Length };
}
