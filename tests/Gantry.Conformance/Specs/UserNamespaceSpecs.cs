using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>Pods with a user namespace of their own.</summary>
internal static class UserNamespaceSpecs
{
    private const uint First = 3_000_000;
    private const uint Length = 65536;

    public static IReadOnlyList<Spec> All { get; } =
    [
        new("userns/mapped", "root of the pod is nobody on the node, and init and commands see one and the same mapping", MappedAsync),
        new("userns/files", "the image's files, the pod's own and /dev/shm belong in the pod to whom they belong in the image, and can be written", FilesAsync),
        new("userns/other-user", "another user than root, with its groups, works", OtherUserAsync),
        new("userns/network", "the network works: loopback, low ports, sysctls, ping", NetworkAsync),
        new("userns/host-network", "a pod with the node's network sees the node's links, and can change none", HostNetworkAsync),
        new("userns/ipc-sysctls", "sysctls of the pod's IPC namespace are set", IpcSysctlsAsync),
        new("userns/shared-pid", "a PID namespace that the containers share works", SharedPidAsync),
        new("userns/standard-mounts", "proc, sys, dev, pts, mqueue, shm and cgroup are mounted", StandardMountsAsync),
        new("userns/volume-mapped", "a volume with mapped ids has its files' owners in the pod, and what the pod writes has them on the node", VolumeMappedAsync),
        new("userns/volume-plain", "a volume without mapped ids belongs to nobody in the pod", VolumePlainAsync),
        new("userns/volume-read-only", "read-only and recursively read-only volumes with mapped ids cannot be written to", VolumeReadOnlyAsync),
        new("userns/image-volume", "an image volume's files belong to root in the pod", ImageVolumeAsync),
        new("userns/privileged", "a privileged container is privileged in its own namespace alone", PrivilegedAsync),
        new("userns/read-only-root", "a read-only root works", ReadOnlyRootAsync),
        new("userns/terminal", "a terminal works", TerminalAsync),
        new("userns/cgroup", "the container's cgroup is below the pod's", CgroupAsync),
        new("userns/status", "the pod's status tells the mapping", StatusAsync),
        new("userns/other-mapping-refused", "a container that asks for another mapping than its pod is refused", OtherMappingAsync),
        new("userns/refusals", "mappings that are none, and the node's other namespaces, are refused", RefusalsAsync),
        new("userns/overlap", "two pods with mappings of their own see each other's files as nobody's", OverlapAsync),
    ];

    private static async Task MappedAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri);
        var container = await pod.RunShellAsync("cat /proc/self/uid_map /proc/self/gid_map; sleep 1000");
        var expected = $"0 {First} {Length}";
        Check.Equal(expected, Squeeze(await container.ShellAsync("cat /proc/self/uid_map")));
        Check.Equal(expected, Squeeze(await container.ShellAsync("cat /proc/1/gid_map")));
        Check.Equal("0 0", await container.ShellAsync("echo $(id -u) $(id -g)"));
        var pid = await HostPidAsync(cri, container);
        Check.Contains($"Uid:\t{First}", File.ReadAllText($"/proc/{pid}/status"));
        static string Links(string process) => $"for n in user net ipc uts; do readlink /proc/{process}/ns/$n; done";
        Check.Equal(await container.ShellAsync(Links("self")), await container.ShellAsync(Links("1")));
    }

    private static async Task FilesAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri);
        var output = await pod.OutputAsync(
            "stat -c '%u:%g' / /etc/passwd /home/app /etc/hosts /etc/resolv.conf /etc/hostname; "
            + "echo x >> /etc/passwd && touch /home/app/new /new && chown 1000:33 /new && stat -c '%u:%g' /new && mkdir /dir && rm -r /dir /etc/group && echo 192.0.2.1 here >> /etc/hosts && echo done; "
            + "touch /dev/shm/a && stat -c '%u' /dev/shm/a");
        Check.Equal("0:0 0:0 1000:1000 0:0 0:0 0:0 1000:33 done 0", output.ReplaceLineEndings(" "));
    }

    private static async Task OtherUserAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri);
        var output = await pod.OutputAsync("id -u; id -G; touch ~/file && stat -c '%u:%g' ~/file; touch /refused || echo refused", config =>
        {
            config.Linux.SecurityContext.RunAsUsername = "app";
            config.Linux.SecurityContext.SupplementalGroups.Add(4000);
        });
        Check.Equal("1000|1000 2000 4000|1000:1000|refused", output.ReplaceLineEndings("|"));
    }

    private static async Task NetworkAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri, change: config => config.Linux.Sysctls["net.ipv4.ip_local_port_range"] = "20000 30000");
        var output = await pod.OutputAsync(
            "nc -l -p 80 & sleep 0.3; echo hello | nc -w 1 127.0.0.1 80; cat /proc/sys/net/ipv4/ip_local_port_range; cat /proc/sys/net/ipv4/ping_group_range /proc/sys/net/ipv4/ip_unprivileged_port_start; ip addr show eth0 | grep -c 'inet '",
            config => config.Linux.SecurityContext.RunAsUser = new Int64Value { Value = 1000 });
        Check.Equal("hello 20000 30000 0 65535 0 1", Squeeze(output.ReplaceLineEndings(" ")));
    }

    private static async Task HostNetworkAsync(SpecContext cri)
    {
        if ((await cri.Runtime.StatusAsync(new StatusRequest())).Features?.UserNamespacesHostNetwork is not true)
            SpecContext.Skip("the server does not say that it has user namespaces with the node's network");
        var plain = await cri.RunPodAsync(config => config.Linux.SecurityContext.NamespaceOptions.Network = NamespaceMode.Node);
        var pod = await RunAsync(cri, change: config => config.Linux.SecurityContext.NamespaceOptions.Network = NamespaceMode.Node);
        // Not every link: those of other pods come and go meanwhile.
        Check.Equal(await plain.OutputAsync("readlink /proc/self/ns/net; hostname"), await pod.OutputAsync("readlink /proc/self/ns/net; hostname"));
        Check.Contains("lo:", await pod.OutputAsync("cat /proc/net/dev"));
        var output = await pod.OutputAsync(
            "cat /proc/self/uid_map; ip link set lo mtu 60000 2>/dev/null || echo refused; hostname other 2>/dev/null || echo refused; grep ' /sys ' /proc/mounts | grep -o ' ro,'");
        Check.Equal($"0 {First} {Length} refused refused ro,", Squeeze(output.ReplaceLineEndings(" ")).Trim());
        // The node's /sys is shown to the container; what is mounted there for the container is the container's alone.
        var container = await pod.RunShellAsync("sleep 1000");
        Check.True(!File.ReadAllText("/proc/self/mountinfo").Contains($"/{container.Id} /sys", StringComparison.Ordinal), "the container's cgroups are mounted on the node");
    }

    private static async Task IpcSysctlsAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri, change: config =>
        {
            config.Linux.Sysctls["kernel.shm_rmid_forced"] = "1";
            config.Linux.Sysctls["kernel.msgmax"] = "65536";
            config.Linux.Sysctls["fs.mqueue.msg_max"] = "100";
        });
        Check.Equal("1 65536 100", (await pod.OutputAsync("cat /proc/sys/kernel/shm_rmid_forced /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max")).ReplaceLineEndings(" "));
    }

    private static async Task SharedPidAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri, change: config => config.Linux.SecurityContext.NamespaceOptions.Pid = NamespaceMode.Pod);
        var first = await pod.RunShellAsync("sleep 4321");
        var second = await pod.RunShellAsync("sleep 1000");
        Check.Contains("sleep 4321", await second.ShellAsync("ps -o args"));
        Check.Equal(await first.ShellAsync("readlink /proc/self/ns/pid"), await second.ShellAsync("readlink /proc/self/ns/pid"));
    }

    private static async Task StandardMountsAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri);
        var mounts = (await pod.OutputAsync("cat /proc/mounts; echo x > /dev/null; head -c 1 /dev/urandom > /dev/null; test -c /dev/ptmx -o -L /dev/ptmx")).Split('\n').Select(line => line.Split(' ')).ToList();
        foreach (var (point, type) in new[] { ("/proc", "proc"), ("/dev", "tmpfs"), ("/dev/pts", "devpts"), ("/dev/mqueue", "mqueue"), ("/dev/shm", "tmpfs"), ("/sys", "sysfs") })
            Check.True(mounts.Any(mount => mount[1] == point && mount[2] == type), $"{point} of type {type}");
    }

    private static async Task VolumeMappedAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri);
        var host = MakeFolder(cri);
        File.WriteAllText($"{host}/file", "");
        var output = await pod.OutputAsync("stat -c %u:%g /data/file && touch /data/new && chown 1000:1000 /data/new && stat -c %u:%g /data/new", config => config.Mounts.Add(MappedMount(host)));
        Check.Equal("0:0 1000:1000", output.ReplaceLineEndings(" "));
        Check.Equal((1000u, 1000u), OwnerOf($"{host}/new"));
    }

    private static async Task VolumePlainAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri);
        var host = MakeFolder(cri);
        File.WriteAllText($"{host}/file", "");
        Check.Equal("65534:65534 refused", (await pod.OutputAsync(
            "stat -c %u:%g /data/file; touch /data/new 2>/dev/null || echo refused", config => config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = host }))).ReplaceLineEndings(" "));
    }

    private static async Task VolumeReadOnlyAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri);
        foreach (var isRecursive in new[] { false, true })
        {
            var host = MakeFolder(cri);
            var mount = MappedMount(host);
            mount.Readonly = true;
            mount.RecursiveReadOnly = isRecursive;
            Check.Equal("refused", await pod.OutputAsync("touch /data/new 2>/dev/null || echo refused", config => config.Mounts.Add(mount)));
        }
    }

    private static async Task ImageVolumeAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri);
        var image = await cri.PullAsync(cri.Settings.Nginx);
        var output = await pod.OutputAsync(
            "stat -c %u:%g /image/etc/nginx/nginx.conf /image/home/app; touch /image/new 2>/dev/null || echo refused",
            config => config.Mounts.Add(new Mount { ContainerPath = "/image", Readonly = true, Image = new ImageSpec { Image = image } }));
        Check.Equal("0:0 1000:1000 refused", output.ReplaceLineEndings(" "));
    }

    private static async Task PrivilegedAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri, change: config => config.Linux.SecurityContext.Privileged = true);
        var output = await pod.OutputAsync(
            "hostname inner && hostname; mount -t tmpfs none /mnt 2>/dev/null || { mkdir /m && mount -t tmpfs none /m; } && echo mounted; echo 1 > /proc/sys/kernel/panic || echo refused",
            config => config.Linux.SecurityContext.Privileged = true);
        Check.Equal("inner mounted refused", output.ReplaceLineEndings(" "));
    }

    private static async Task ReadOnlyRootAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri);
        Check.Equal("refused shm", (await pod.OutputAsync("touch /file 2>/dev/null || echo refused; touch /dev/shm/x && echo shm", config => config.Linux.SecurityContext.ReadonlyRootfs = true)).ReplaceLineEndings(" "));
    }

    private static async Task TerminalAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri);
        var output = await pod.OutputAsync("tty && stat -c %u $(tty)", config => config.Tty = true);
        Check.Contains("/dev/", output);
    }

    private static async Task CgroupAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri);
        var container = await pod.RunShellAsync("sleep 1000", config => config.Linux.Resources = new LinuxContainerResources { MemoryLimitInBytes = 64 << 20 });
        var pid = await HostPidAsync(cri, container);
        var paths = File.ReadAllLines($"/proc/{pid}/cgroup").Where(line => line.Contains(":memory:", StringComparison.Ordinal) || line.StartsWith("0::/", StringComparison.Ordinal));
        if (cri.Settings.CgroupParent.Length > 0)
            Check.True(paths.Any(line => line.Contains($"{cri.Settings.CgroupParent}/", StringComparison.Ordinal)), string.Join('\n', paths));
    }

    private static async Task StatusAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri);
        var told = (await pod.StatusAsync()).Linux.Namespaces.Options.UsernsOptions;
        Check.Equal(NamespaceMode.Pod, told.Mode);
        Check.Equal(First, told.Uids.Single().HostId);
        Check.Equal(Length, told.Gids.Single().Length);
    }

    private static async Task OtherMappingAsync(SpecContext cri)
    {
        var pod = await RunAsync(cri);
        await Check.FailsAsync(StatusCode.InvalidArgument, () => pod.CreateShellAsync("true", config => config.Linux.SecurityContext.NamespaceOptions.UsernsOptions = Mapping(First + 65536)), "user namespace");
        await Check.FailsAsync(StatusCode.InvalidArgument, () => pod.CreateShellAsync("true", config => config.Linux.SecurityContext.NamespaceOptions.UsernsOptions = null), "user namespace");
        var plain = await cri.RunPodAsync();
        await Check.FailsAsync(StatusCode.InvalidArgument, () => plain.CreateShellAsync("true", config => config.Linux.SecurityContext.NamespaceOptions.UsernsOptions = Mapping(First)), "user namespace");
    }

    private static async Task RefusalsAsync(SpecContext cri)
    {
        Task Refused(Action<NamespaceOption> change, string word) => Check.FailsAsync(
            StatusCode.InvalidArgument,
            () => cri.RunPodAsync(config =>
            {
                config.Linux.SecurityContext.NamespaceOptions.UsernsOptions = Mapping(First);
                change(config.Linux.SecurityContext.NamespaceOptions);
            }),
            word);
        await Refused(options => options.UsernsOptions.Uids.Add(new IDMapping { HostId = 1000, ContainerId = 70000, Length = 10 }), "2 mappings");
        await Refused(options => options.UsernsOptions.Gids.Clear(), "0 mappings");
        await Refused(options => options.UsernsOptions.Gids[0].HostId = 5000, "differently");
        await Refused(
            options =>
            {
                options.UsernsOptions.Uids[0].Length = 0;
                options.UsernsOptions.Gids[0].Length = 0;
            },
            "range");
        await Refused(
            options =>
            {
                options.UsernsOptions.Uids[0].HostId = uint.MaxValue - 10;
                options.UsernsOptions.Gids[0].HostId = uint.MaxValue - 10;
            },
            "range");
        await Refused(options => options.UsernsOptions.Mode = NamespaceMode.Node, "NODE");
        await Refused(options => options.Pid = NamespaceMode.Node, "PID");
        await Refused(options => options.Ipc = NamespaceMode.Node, "IPC");
    }

    private static async Task OverlapAsync(SpecContext cri)
    {
        var first = await RunAsync(cri);
        var second = await RunAsync(cri, First + Length);
        var host = MakeFolder(cri);
        Chmod(host, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute);
        await first.OutputAsync("touch /data/first", config => config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = host }));
        Check.Equal((First, First), OwnerOf($"{host}/first"));
        Check.Equal("65534", await second.OutputAsync("stat -c %u /data/first", config => config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = host })));
    }

    private static async Task<SpecPod> RunAsync(SpecContext cri, uint first = First, Action<PodSandboxConfig>? change = null)
    {
        var handlers = (await cri.Runtime.StatusAsync(new StatusRequest())).RuntimeHandlers;
        if (handlers.FirstOrDefault(handler => handler.Name == cri.Settings.Handler)?.Features?.UserNamespaces is not true)
            SpecContext.Skip($"handler '{cri.Settings.Handler}' does not say that it has user namespaces");
        return await cri.RunPodAsync(config =>
        {
            config.Linux.SecurityContext.NamespaceOptions.UsernsOptions = Mapping(first);
            change?.Invoke(config);
        });
    }

    private static UserNamespace Mapping(uint first)
    {
        var user = new UserNamespace { Mode = NamespaceMode.Pod };
        user.Uids.Add(new IDMapping { HostId = first, Length = Length });
        user.Gids.Add(new IDMapping { HostId = first, Length = Length });
        return user;
    }

    private static Mount MappedMount(string host)
    {
        var mount = new Mount { ContainerPath = "/data", HostPath = host };
        mount.UidMappings.Add(new IDMapping { HostId = First, Length = Length });
        mount.GidMappings.Add(new IDMapping { HostId = First, Length = Length });
        return mount;
    }

    private static async Task<int> HostPidAsync(SpecContext cri, SpecContainer container)
    {
        var answer = await cri.Runtime.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = container.Id, Verbose = true });
        return (int)System.Text.Json.Nodes.JsonNode.Parse(answer.Info["info"])!["pid"]!;
    }

    private static string MakeFolder(SpecContext cri) => Directory.CreateDirectory(Path.Combine(cri.Folder, cri.UniqueName("host"))).FullName;

    private static void Chmod(string path, UnixFileMode mode) => File.SetUnixFileMode(path, mode);

    private static (uint Uid, uint Gid) OwnerOf(string path)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("stat", ["-c", "%u %g", path]) { RedirectStandardOutput = true })!;
        var words = process.StandardOutput.ReadToEnd().Split(' ', '\n');
        return (uint.Parse(words[0], System.Globalization.CultureInfo.InvariantCulture), uint.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture));
    }

    private static string Squeeze(string text) => string.Join(' ', text.Split([' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries));
}
