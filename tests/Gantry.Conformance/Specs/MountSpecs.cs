using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>What is mounted into containers.</summary>
internal static class MountSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("mounts/writable", "a container writes to a host directory", WritableAsync),
        new("mounts/read-only", "a read-only mount cannot be written to", ReadOnlyAsync),
        new("mounts/file", "a single file can be mounted, over a file of the image too", FileAsync),
        new("mounts/symlink", "a host path that is a symbolic link is followed", SymlinkAsync),
        new("mounts/missing-host-path", "a host path that is missing is made as a directory", MissingAsync),
        new("mounts/hosts-override", "a mount at /etc/hosts replaces the runtime's own", HostsOverrideAsync),
        new("mounts/nested", "mounts below mounts are in place, whatever their order", NestedAsync),
        new("mounts/standard", "proc, sys, dev, pts, mqueue, shm and cgroup are mounted, sys and cgroup read-only", StandardAsync),
        new("mounts/awkward-names", "paths with commas, colons, spaces and backslashes work", AwkwardAsync),
        new("mounts/propagation-private-source", "propagation from a private mount is refused, or works on a shared one", PropagationAsync),
    ];

    private static async Task WritableAsync(SpecContext cri)
    {
        var (pod, host) = await PodWithFolderAsync(cri);
        await pod.OutputAsync("echo written > /data/file", config => config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = host }));
        Check.Equal("written\n", File.ReadAllText($"{host}/file"));
    }

    private static async Task ReadOnlyAsync(SpecContext cri)
    {
        var (pod, host) = await PodWithFolderAsync(cri);
        var container = await pod.RunShellAsync(
            "echo written > /data/file", config => config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = host, Readonly = true }));
        Check.True((await container.WaitForExitAsync()).ExitCode != 0);
        Check.True(!File.Exists($"{host}/file"));
    }

    private static async Task FileAsync(SpecContext cri)
    {
        var (pod, host) = await PodWithFolderAsync(cri);
        File.WriteAllText($"{host}/passwd", "mine");
        var output = await pod.OutputAsync("cat /etc/passwd /new/place", config =>
        {
            config.Mounts.Add(new Mount { ContainerPath = "/etc/passwd", HostPath = $"{host}/passwd" });
            config.Mounts.Add(new Mount { ContainerPath = "/new/place", HostPath = $"{host}/passwd" });
        });
        Check.Equal("minemine", output);
    }

    private static async Task SymlinkAsync(SpecContext cri)
    {
        var (pod, host) = await PodWithFolderAsync(cri);
        Directory.CreateDirectory($"{host}/real");
        File.WriteAllText($"{host}/real/file", "real");
        File.CreateSymbolicLink($"{host}/link", $"{host}/real");
        Check.Equal("real", await pod.OutputAsync("cat /data/file", config => config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = $"{host}/link" })));
    }

    private static async Task MissingAsync(SpecContext cri)
    {
        var (pod, host) = await PodWithFolderAsync(cri);
        await pod.OutputAsync("ls /data", config => config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = $"{host}/not/there" }));
        Check.True(Directory.Exists($"{host}/not/there"));
    }

    private static async Task HostsOverrideAsync(SpecContext cri)
    {
        var (pod, host) = await PodWithFolderAsync(cri);
        File.WriteAllText($"{host}/hosts", "192.0.2.7 kubelet-managed\n");
        var output = await pod.OutputAsync("cat /etc/hosts", config => config.Mounts.Add(new Mount { ContainerPath = "/etc/hosts", HostPath = $"{host}/hosts" }));
        Check.Equal("192.0.2.7 kubelet-managed", output);
    }

    private static async Task NestedAsync(SpecContext cri)
    {
        var (pod, host) = await PodWithFolderAsync(cri);
        foreach (var name in new[] { "a", "b", "c" })
        {
            Directory.CreateDirectory($"{host}/{name}");
            File.WriteAllText($"{host}/{name}/file", name);
        }
        var output = await pod.OutputAsync("cat /x/y/z/file /x/y/file /x/file", config =>
        {
            config.Mounts.Add(new Mount { ContainerPath = "/x/y/z", HostPath = $"{host}/c" });
            config.Mounts.Add(new Mount { ContainerPath = "/x", HostPath = $"{host}/a" });
            config.Mounts.Add(new Mount { ContainerPath = "/x/y", HostPath = $"{host}/b" });
        });
        Check.Equal("cba", output);
    }

    private static async Task StandardAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var mounts = (await pod.OutputAsync("cat /proc/mounts")).Split('\n').Select(line => line.Split(' ')).ToList();
        foreach (var (point, type) in new[] { ("/proc", "proc"), ("/dev", "tmpfs"), ("/dev/pts", "devpts"), ("/dev/mqueue", "mqueue"), ("/dev/shm", "tmpfs"), ("/sys", "sysfs") })
            Check.True(mounts.Any(mount => mount[1] == point && mount[2] == type), $"{point} of type {type}");
        // On cgroup v1 the OCI runtimes themselves leave the tmpfs of the controllers' mount points writable.
        foreach (var mount in mounts.Where(mount => mount[1] == "/sys" || mount[2].StartsWith("cgroup", StringComparison.Ordinal)))
            Check.True(mount[3].Split(',').Contains("ro"), $"{mount[1]} is {mount[3]}");
    }

    private static async Task AwkwardAsync(SpecContext cri)
    {
        var (pod, host) = await PodWithFolderAsync(cri);
        var name = "a,b:c d\\e=f";
        Directory.CreateDirectory($"{host}/{name}");
        File.WriteAllText($"{host}/{name}/file", "found");
        var output = await pod.OutputAsync("cat '/mnt/x,y:z =\\q/file'", config => config.Mounts.Add(new Mount { ContainerPath = "/mnt/x,y:z =\\q", HostPath = $"{host}/{name}", Readonly = true }));
        Check.Equal("found", output);
    }

    private static async Task PropagationAsync(SpecContext cri)
    {
        var (pod, host) = await PodWithFolderAsync(cri);
        try
        {
            await pod.CreateShellAsync("true", config => config.Mounts.Add(
                new Mount { ContainerPath = "/data", HostPath = host, Propagation = MountPropagation.PropagationBidirectional }));
        }
        catch (RpcException e)
        {
            Check.Contains("shared", e.Status.Detail);
        }
    }

    private static async Task<(SpecPod Pod, string Host)> PodWithFolderAsync(SpecContext cri) =>
        (await cri.RunPodAsync(), Directory.CreateDirectory(Path.Combine(cri.Folder, cri.UniqueName("host"))).FullName);
}
