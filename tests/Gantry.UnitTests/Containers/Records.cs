using Gantry.Containers;
using Gantry.Identity;
using Gantry.Pods;

namespace Gantry.UnitTests.Containers;

/// <summary>Records as a node makes them.</summary>
internal static class Records
{
    public static ContainerRecord Container(string name = "web", PodId? pod = null) => new()
    {
        Id = ContainerId.New(),
        Pod = pod ?? PodId.New(),
        Spec = new ContainerSpec { Name = name, Image = new ImageSource("nginx:1") { UserSpecified = "nginx:1" } },
        Handler = "crun",
        ImageId = Digest.Compute("config"u8),
        ImageReference = "docker.io/library/nginx@" + Digest.Compute("manifest"u8).Value,
        ImageName = "docker.io/library/nginx:1",
        Layers = [Digest.Compute("layer"u8)],
        User = new ResolvedUser(0, 0, [0]),
        BootId = "boot",
        CreatedAt = 1_000,
    };

    public static PodRecord Pod(string name = "pod") => new()
    {
        Id = PodId.New(),
        Spec = new PodSpec { Name = name, Namespace = "default", Uid = Guid.NewGuid().ToString() },
        CreatedAt = 1_000,
        BootId = "boot",
    };
}
