using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>
/// Labels of containers and of their files, on a kernel with SELinux and a policy with container-selinux's names; and that
/// nothing is confined less than it was asked to be on a kernel without.
/// </summary>
internal static class SelinuxSpecs
{
    private const string Kernel = "/sys/fs/selinux/enforce";
    private const string OtherType = "container_init_t";

    public static IReadOnlyList<Spec> All { get; } =
    [
        new("selinux/absent", "on a kernel without SELinux a label is refused, and one that confines nothing is taken", AbsentAsync),
        new("selinux/malformed", "a malformed label is refused, and the message names its part and the container", MalformedAsync),
        new("selinux/default", "a container runs with the policy's type and a level of two categories, and so do its commands", DefaultAsync),
        new("selinux/asked", "a container runs with the type and level that it asks for, and has the rest from its pod", AskedAsync),
        new("selinux/pod-label", "a pod's own label is that of its containers", PodLabelAsync),
        new("selinux/levels", "the containers of a pod have one level, and two pods have different ones", LevelsAsync),
        new("selinux/files", "a container's root and /dev/shm have its file label, and it can use them and the pod's files", FilesAsync),
        new("selinux/own-level-files", "a container with a level of its own can use its root and the pod's files", OwnLevelFilesAsync),
        new("selinux/unconfined", "a privileged container and one of the node's PID namespace have no label of a container", UnconfinedAsync),
        new("selinux/shared-pid", "a pod whose containers share a PID namespace works", SharedPidAsync),
        new("selinux/relabel", "a volume that is to be relabelled can be written, with what is in it, and no link of it is followed", RelabelAsync),
        new("selinux/relabel-refused", "the node's own directories are not relabelled", RelabelRefusedAsync),
        new("selinux/apart", "a volume of one pod is closed to another, until it is relabelled for that one", ApartAsync),
        new("selinux/image-volume", "an image can be used as a volume, of one layer and of many", ImageVolumeAsync),
        new("selinux/unknown-type", "a type that the policy does not have is refused with a message that names it", UnknownTypeAsync),
    ];

    private static async Task AbsentAsync(SpecContext cri)
    {
        if (File.Exists(Kernel))
            SpecContext.Skip("this kernel has SELinux");
        var pod = await cri.RunPodAsync();
        await Check.FailsAsync(StatusCode.InvalidArgument, () => pod.CreateShellAsync("true", config => Ask(config, type: "container_t")), "SELinux", "container-");
        await Check.FailsAsync(StatusCode.InvalidArgument, () => pod.CreateShellAsync("true", config => Ask(config, level: "s0:c1,c2")), "SELinux");
        await Check.FailsAsync(StatusCode.InvalidArgument, () => cri.RunPodAsync(config => config.Linux.SecurityContext.SelinuxOptions = new SELinuxOption { Type = "container_t" }), "SELinux");
        Check.Equal("fine", await pod.OutputAsync("echo fine", config => Ask(config)));
        Check.Equal("fine", await pod.OutputAsync("echo fine", config => Ask(config, type: "spc_t")));
    }

    private static async Task MalformedAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        async Task RefusedAsync(string part, Action<ContainerConfig> change) =>
            await Check.FailsAsync(StatusCode.InvalidArgument, () => pod.CreateShellAsync("true", change), "container-", part);
        await RefusedAsync("level", config => Ask(config, level: "x y"));
        await RefusedAsync("type", config => Ask(config, type: "spc_t:s0"));
        await RefusedAsync("type", config => Ask(config, type: "a\",rw,b=\""));
        await RefusedAsync("user", config => config.Linux.SecurityContext.SelinuxOptions = new SELinuxOption { User = "u r" });
        await Check.FailsAsync(StatusCode.InvalidArgument, () => cri.RunPodAsync(config => config.Linux.SecurityContext.SelinuxOptions = new SELinuxOption { Level = "x y" }), "level");
        Check.Equal(0, (await cri.Runtime.ListContainersAsync(new ListContainersRequest { Filter = new ContainerFilter { PodSandboxId = pod.Id } })).Containers.Count);
    }

    private static async Task DefaultAsync(SpecContext cri)
    {
        var pod = await RunPodAsync(cri);
        var container = await pod.RunShellAsync("sleep 1000");
        var label = await LabelAsync(container);
        Check.Equal("container_t", label[2]);
        var categories = label[3].Split(':')[1].Split(',').Select(category => int.Parse(category[1..])).ToList();
        Check.True(categories.Count == 2 && categories[0] < categories[1] && categories[1] < 1024, label[3]);
        Check.Equal(string.Join(':', label), await container.ShellAsync("tr -d '\\000\\n' < /proc/1/attr/current"));
    }

    private static async Task AskedAsync(SpecContext cri)
    {
        var pod = await RunPodAsync(cri);
        var plain = await LabelAsync(await pod.RunShellAsync("sleep 1000"));
        var asked = await LabelAsync(await pod.RunShellAsync("sleep 1000", config => Ask(config, type: OtherType, level: "s0:c7,c11")));
        Check.Equal($"{plain[0]}:{plain[1]}:{OtherType}:s0:c7,c11", string.Join(':', asked));
        var type = await LabelAsync(await pod.RunShellAsync("sleep 1000", config => Ask(config, type: OtherType)));
        Check.Equal($"{OtherType}:{plain[3]}", $"{type[2]}:{type[3]}");
    }

    private static async Task PodLabelAsync(SpecContext cri)
    {
        var pod = await RunPodAsync(cri, config => config.Linux.SecurityContext.SelinuxOptions = new SELinuxOption { Type = OtherType, Level = "s0:c3,c5" });
        var label = await LabelAsync(await pod.RunShellAsync("sleep 1000"));
        Check.Equal($"{OtherType}:s0:c3,c5", $"{label[2]}:{label[3]}");
    }

    private static async Task LevelsAsync(SpecContext cri)
    {
        var (one, other) = (await RunPodAsync(cri), await RunPodAsync(cri));
        var first = await LabelAsync(await one.RunShellAsync("sleep 1000"));
        var second = await LabelAsync(await one.RunShellAsync("sleep 1000"));
        var apart = await LabelAsync(await other.RunShellAsync("sleep 1000"));
        Check.Equal(first[3], second[3]);
        Check.True(first[3] != apart[3], $"both pods have {first[3]}");
    }

    private const string UseFiles =
        "touch /new && mkdir /dir && echo x >> /etc/passwd && rm -r /dir && cat /etc/resolv.conf /etc/hostname /etc/hosts > /new && echo 192.0.2.1 here >> /etc/hosts && test -s /new && echo done";

    private static async Task FilesAsync(SpecContext cri)
    {
        var pod = await RunPodAsync(cri);
        var container = await pod.RunShellAsync("sleep 1000");
        var level = (await LabelAsync(container))[3];
        foreach (var place in new[] { "/", "/dev/shm" })
            Check.Contains($":container_file_t:{level}", await container.ShellAsync($"grep ' {place} ' /proc/mounts"));
        Check.Equal("done", await container.ShellAsync(UseFiles + " && touch /dev/shm/a /dev/b"));
    }

    private static async Task OwnLevelFilesAsync(SpecContext cri)
    {
        var pod = await RunPodAsync(cri);
        var plain = await pod.RunShellAsync("sleep 1000");
        var own = await pod.RunShellAsync("sleep 1000", config => Ask(config, level: "s0:c7,c11"));
        Check.Equal("done", await own.ShellAsync(UseFiles));
        Check.Contains(":container_file_t:s0:c7,c11", await own.ShellAsync("grep ' / ' /proc/mounts"));
        Check.Equal("done", await plain.ShellAsync(UseFiles));
    }

    private static async Task UnconfinedAsync(SpecContext cri)
    {
        var privileged = await RunPodAsync(cri, config => config.Linux.SecurityContext.Privileged = true);
        var label = await LabelAsync(await privileged.RunShellAsync("sleep 1000", config => config.Linux.SecurityContext.Privileged = true));
        Check.True(label[2] != "container_t", string.Join(':', label));
        // Beside it, one that is not privileged is confined as ever.
        Check.Equal("container_t", (await LabelAsync(await privileged.RunShellAsync("sleep 1000")))[2]);
        var node = await RunPodAsync(cri, config => config.Linux.SecurityContext.NamespaceOptions.Pid = NamespaceMode.Node);
        label = await LabelAsync(await node.RunShellAsync("sleep 1000"));
        Check.True(label[2] != "container_t", string.Join(':', label));
    }

    private static async Task SharedPidAsync(SpecContext cri)
    {
        var pod = await RunPodAsync(cri, config => config.Linux.SecurityContext.NamespaceOptions.Pid = NamespaceMode.Pod);
        var container = await pod.RunShellAsync("sleep 1000");
        Check.Equal(string.Join(':', await LabelAsync(container)), await container.ShellAsync("tr -d '\\000\\n' < /proc/1/attr/current"));
    }

    private static async Task RelabelAsync(SpecContext cri)
    {
        RequireEnforcing();
        var pod = await RunPodAsync(cri);
        var folder = MakeFolder(cri);
        var outside = MakeFolder(cri);
        File.CreateSymbolicLink($"{folder}/link", outside);
        const string Write = "touch /data/new 2>/dev/null || echo refused; (echo x > /data/sub/file) 2>/dev/null || echo refused";
        Check.Equal("refused refused", (await pod.OutputAsync(Write, config => Mount(config, folder, relabel: false))).ReplaceLineEndings(" "));
        Check.Equal("", await pod.OutputAsync(Write, config => Mount(config, folder, relabel: true)));
        Check.Equal("refused refused", (await pod.OutputAsync(Write, config => Mount(config, outside, relabel: false))).ReplaceLineEndings(" "));
    }

    private static async Task RelabelRefusedAsync(SpecContext cri)
    {
        var pod = await RunPodAsync(cri);
        foreach (var path in new[] { "/", "/etc", "/usr", "/home", "/proc/sys", "/sys" })
            await Check.FailsAsync(StatusCode.InvalidArgument, () => pod.CreateShellAsync("true", config => Mount(config, path, relabel: true)), "container-", "/data", "relabel");
    }

    private static async Task ApartAsync(SpecContext cri)
    {
        RequireEnforcing();
        var (one, other) = (await RunPodAsync(cri), await RunPodAsync(cri));
        var folder = MakeFolder(cri);
        const string Read = "ls /data/sub 2>/dev/null || echo refused";
        Check.Equal("file", await one.OutputAsync(Read, config => Mount(config, folder, relabel: true)));
        Check.Equal("refused", await other.OutputAsync(Read, config => Mount(config, folder, relabel: false)));
        Check.Equal("file", await other.OutputAsync(Read, config => Mount(config, folder, relabel: true)));
    }

    private static async Task ImageVolumeAsync(SpecContext cri)
    {
        var pod = await RunPodAsync(cri);
        foreach (var image in new[] { cri.Settings.Busybox, cri.Settings.TestImage("layers") })
        {
            await cri.PullAsync(image);
            var volume = new Mount { ContainerPath = "/image", Readonly = true, Image = new ImageSpec { Image = image } };
            var output = await pod.OutputAsync("ls /image > /dev/null && (touch /image/new 2>/dev/null || echo read-only); grep ' /image ' /proc/mounts", config => config.Mounts.Add(volume));
            Check.Contains("read-only", output);
            Check.Contains(":container_file_t:", output);
        }
    }

    private static async Task UnknownTypeAsync(SpecContext cri)
    {
        var pod = await RunPodAsync(cri);
        await Check.FailsAsync(StatusCode.InvalidArgument, () => pod.CreateShellAsync("true", config => Ask(config, type: "no_such_type_t")), "container-", "no_such_type_t");
        await Check.FailsAsync(
            StatusCode.InvalidArgument, () => cri.RunPodAsync(config => config.Linux.SecurityContext.SelinuxOptions = new SELinuxOption { Type = "no_such_type_t" }), "no_such_type_t");
    }

    private static async Task<SpecPod> RunPodAsync(SpecContext cri, Action<PodSandboxConfig>? change = null)
    {
        if (!File.Exists(Kernel))
            SpecContext.Skip("this kernel has no SELinux");
        return await cri.RunPodAsync(change);
    }

    private static void RequireEnforcing()
    {
        if (File.Exists(Kernel) && File.ReadAllText(Kernel).Trim() != "1")
            SpecContext.Skip("SELinux is permissive here, and refuses nothing");
    }

    /// <summary>User, role, type and level of a command in the container.</summary>
    private static async Task<string[]> LabelAsync(SpecContainer container) =>
        (await container.ShellAsync("tr -d '\\000\\n' < /proc/self/attr/current")).Split(':', 4);

    private static void Ask(ContainerConfig config, string type = "", string level = "") =>
        config.Linux.SecurityContext.SelinuxOptions = new SELinuxOption { Type = type, Level = level };

    private static void Mount(ContainerConfig config, string path, bool relabel) =>
        config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = path, SelinuxRelabel = relabel });

    private static string MakeFolder(SpecContext cri)
    {
        var folder = Directory.CreateDirectory(Path.Combine(cri.Folder, cri.UniqueName("volume"), "sub")).Parent!.FullName;
        File.WriteAllText($"{folder}/sub/file", "");
        return folder;
    }
}
