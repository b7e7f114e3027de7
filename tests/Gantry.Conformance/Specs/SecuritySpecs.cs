using System.Globalization;
using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>What containers may do.</summary>
internal static class SecuritySpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("security/default-capabilities", "a container has a small default set of capabilities, and no inheritable or ambient one", DefaultCapabilitiesAsync),
        new("security/add-drop", "capabilities are added and dropped by name, with and without CAP_, and by ALL", AddDropAsync),
        new("security/other-user", "another user than root has no effective capability", OtherUserAsync),
        new("security/exec-capabilities", "a command run in a container has no more capabilities than the container", ExecCapabilitiesAsync),
        new("security/no-new-privileges", "no_new_privs is set where it is asked for", NoNewPrivilegesAsync),
        new("security/seccomp-default", "RuntimeDefault filters system calls", SeccompDefaultAsync),
        new("security/seccomp-unconfined", "Unconfined and no profile filter nothing", SeccompUnconfinedAsync),
        new("security/seccomp-localhost", "a profile of the node is applied, and one that is missing is an error", SeccompLocalhostAsync),
        new("security/seccomp-conditions", "a profile's rules for capabilities that a container lacks are not applied", SeccompConditionsAsync),
        new("security/ambient", "ambient capabilities reach a process of another user than root", AmbientAsync),
        new("security/masked-paths", "masked paths are empty and read-only paths read-only", PathsAsync),
        new("security/read-only-root", "a read-only root cannot be written to", ReadOnlyRootAsync),
        new("security/privileged", "a privileged container has every capability of the server, the host's devices and writable /sys", PrivilegedAsync),
        new("security/privileged-cgroups", "a privileged container can write to the node's cgroups, and the options of their mounts stay as they are", PrivilegedCgroupsAsync),
        new("security/privileged-needs-pod", "a privileged container in an unprivileged pod is refused", PrivilegedPodAsync),
        new("security/devices", "a container opens the devices that it was given, and no other", DevicesAsync),
    ];

    private static async Task DefaultCapabilitiesAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var status = await pod.OutputAsync("grep ^Cap /proc/self/status");
        Check.Equal(0UL, Mask(status, "CapInh"));
        Check.Equal(0UL, Mask(status, "CapAmb"));
        Check.True(Has(status, "CapEff", 0) && Has(status, "CapEff", 10), status);
        foreach (var number in new[] { 12, 16, 17, 19, 21, 22 })
            Check.True(!Has(status, "CapBnd", number), $"capability {number} is in {status}");
    }

    private static async Task AddDropAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        async Task<string> Status(string[] add, string[] drop) => await pod.OutputAsync("grep ^Cap /proc/self/status", config =>
        {
            config.Linux.SecurityContext.Capabilities = new Capability();
            config.Linux.SecurityContext.Capabilities.AddCapabilities.Add(add);
            config.Linux.SecurityContext.Capabilities.DropCapabilities.Add(drop);
        });
        var changed = await Status(["NET_ADMIN", "CAP_SYS_NICE"], ["CHOWN", "CAP_KILL"]);
        Check.True(Has(changed, "CapEff", 12) && Has(changed, "CapEff", 23) && !Has(changed, "CapEff", 0) && !Has(changed, "CapEff", 5), changed);
        Check.Equal(0UL, Mask(await Status([], ["ALL"]), "CapBnd"));
        var one = await Status(["CHOWN"], ["ALL"]);
        Check.Equal(1UL, Mask(one, "CapBnd"));
        var all = await Status(["ALL"], []);
        Check.True(Has(all, "CapBnd", 12) && Has(all, "CapBnd", 21), all);
    }

    private static async Task OtherUserAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var status = await pod.OutputAsync("grep ^Cap /proc/self/status", config => config.Linux.SecurityContext.RunAsUser = new Int64Value { Value = 1000 });
        Check.Equal(0UL, Mask(status, "CapEff"));
        Check.Equal(0UL, Mask(status, "CapPrm"));
    }

    private static async Task ExecCapabilitiesAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000");
        var own = await container.ShellAsync("grep ^Cap /proc/1/status");
        var status = await container.ShellAsync("grep ^Cap /proc/self/status");
        foreach (var name in new[] { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" })
            Check.Equal(Mask(own, name), Mask(status, name));
    }

    private static async Task NoNewPrivilegesAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        Check.Equal("1", await pod.OutputAsync("grep NoNewPrivs /proc/self/status | cut -f2", config => config.Linux.SecurityContext.NoNewPrivs = true));
        Check.Equal("0", await pod.OutputAsync("grep NoNewPrivs /proc/self/status | cut -f2"));
    }

    private static async Task SeccompDefaultAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        Check.Equal("2", await pod.OutputAsync("grep ^Seccomp: /proc/self/status | cut -f2"));
        var container = await pod.RunShellAsync("unshare -m true");
        Check.True((await container.WaitForExitAsync()).ExitCode != 0);
    }

    private static async Task SeccompUnconfinedAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        const string read = "grep ^Seccomp: /proc/self/status | cut -f2";
        Check.Equal("0", await pod.OutputAsync(read, config => config.Linux.SecurityContext.Seccomp = new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.Unconfined }));
        Check.Equal("0", await pod.OutputAsync(read, config => config.Linux.SecurityContext.Seccomp = null));
    }

    private static async Task SeccompLocalhostAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var profile = Path.Combine(cri.Folder, "profile.json");
        File.WriteAllText(profile, """{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["chmod","fchmodat","fchmodat2"],"action":"SCMP_ACT_ERRNO"}]}""");
        void Use(ContainerConfig config, string path) =>
            config.Linux.SecurityContext.Seccomp = new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.Localhost, LocalhostRef = path };
        var container = await pod.RunShellAsync("touch /tmp/f && chmod 600 /tmp/f", config => Use(config, profile));
        Check.True((await container.WaitForExitAsync()).ExitCode != 0);
        try
        {
            await pod.RunShellAsync("true", config => Use(config, profile + ".missing"));
        }
        catch (RpcException e)
        {
            Check.Contains("profile.json.missing", e.Status.Detail);
            return;
        }
        throw new SpecFailedException("a profile that is missing was taken");
    }

    private static async Task SeccompConditionsAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var profile = Path.Combine(cri.Folder, "profile.json");
        File.WriteAllText(profile, """
            {"defaultAction":"SCMP_ACT_ALLOW","archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86","SCMP_ARCH_X32"]}],
             "syscalls":[{"names":["chmod","fchmodat","fchmodat2"],"action":"SCMP_ACT_ERRNO","errnoRet":95,"excludes":{"caps":["CAP_SYS_NICE"]}},
                         {"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","includes":{"arches":["s390x"]}}]}
            """);
        Task<string> TryAsync(bool isNice) => pod.OutputAsync("mkdir /tmp/d && touch /tmp/f && (chmod 600 /tmp/f 2>&1 || true)", config =>
        {
            config.Linux.SecurityContext.Seccomp = new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.Localhost, LocalhostRef = profile };
            if (isNice)
                config.Linux.SecurityContext.Capabilities = new Capability { AddCapabilities = { "SYS_NICE" } };
        });
        Check.Contains("not supported", await TryAsync(isNice: false));
        Check.Equal("", await TryAsync(isNice: true));
    }

    private static async Task AmbientAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000", config =>
        {
            config.Linux.SecurityContext.RunAsUser = new Int64Value { Value = 1000 };
            config.Linux.SecurityContext.Capabilities = new Capability { DropCapabilities = { "ALL" }, AddCapabilities = { "NET_BIND_SERVICE" }, AddAmbientCapabilities = { "NET_BIND_SERVICE" } };
        });
        foreach (var process in new[] { "1", "self" })
        {
            var status = await container.ShellAsync($"grep ^Cap /proc/{process}/status");
            foreach (var set in new[] { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" })
                Check.Equal(1UL << 10, Mask(status, set));
        }
    }

    private static async Task PathsAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var output = await pod.OutputAsync("cat /proc/keys | wc -l; ls /sys/firmware | wc -l; echo 1 > /proc/sys/vm/drop_caches || echo refused", config =>
        {
            config.Linux.SecurityContext.MaskedPaths.Add(["/proc/keys", "/sys/firmware", "/not/there"]);
            config.Linux.SecurityContext.ReadonlyPaths.Add(["/proc/sys", "/not/there/either"]);
        });
        Check.Equal("0 0 refused", output.ReplaceLineEndings(" "));
    }

    private static async Task ReadOnlyRootAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var output = await pod.OutputAsync("touch /file || echo refused; touch /dev/shm/file && echo shm", config => config.Linux.SecurityContext.ReadonlyRootfs = true);
        Check.Equal("refused shm", output.ReplaceLineEndings(" "));
    }

    private static async Task PrivilegedAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync(config => config.Linux.SecurityContext.Privileged = true);
        var output = await pod.OutputAsync("grep ^CapEff /proc/self/status; ls /dev | wc -l; grep -c ' /sys sysfs rw' /proc/mounts; grep ^Seccomp: /proc/self/status | cut -f2", config => config.Linux.SecurityContext.Privileged = true);
        var lines = output.Split('\n');
        Check.True(Has(output, "CapEff", 21), output);
        Check.True(int.Parse(lines[1], CultureInfo.InvariantCulture) > 16, output);
        Check.Equal("1", lines[2]);
        Check.Equal("0", lines[3]);
    }

    private static async Task PrivilegedCgroupsAsync(SpecContext cri)
    {
        var before = CgroupMounts();
        var pod = await cri.RunPodAsync(config => config.Linux.SecurityContext.Privileged = true);
        var output = await pod.OutputAsync("""
            folder=/sys/fs/cgroup/memory
            [ -e $folder ] || folder=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)
            mkdir $folder/made && rmdir $folder/made && echo made
            """, config => config.Linux.SecurityContext.Privileged = true);
        Check.Equal("made", output.Trim());
        // A cgroup v2 that is mounted anew outside of a cgroup namespace takes the new mount's options, on the node too.
        Check.Equal(before, CgroupMounts());
    }

    private static string CgroupMounts() =>
        string.Join('\n', File.ReadLines("/proc/self/mountinfo").Where(line => line.Contains(" - cgroup", StringComparison.Ordinal)));

    private static async Task PrivilegedPodAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        try
        {
            await pod.CreateShellAsync("true", config => config.Linux.SecurityContext.Privileged = true);
        }
        catch (RpcException e)
        {
            Check.Contains("privileged", e.Status.Detail);
            return;
        }
        throw new SpecFailedException("a privileged container was made in an unprivileged pod");
    }

    private static async Task DevicesAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var output = await pod.OutputAsync(
            "head -c 1 /dev/zero | wc -c; head -c 1 /dev/mine | wc -c; echo x > /dev/null && echo null",
            config => config.Devices.Add(new Device { HostPath = "/dev/urandom", ContainerPath = "/dev/mine", Permissions = "r" }));
        Check.Equal("1 1 null", output.ReplaceLineEndings(" "));
        var refused = await pod.OutputAsync("mknod /dev/mem9 c 1 1 && cat /dev/mem9 >/dev/null 2>&1 || echo refused");
        Check.Equal("refused", refused);
    }

    private static bool Has(string status, string set, int number) => (Mask(status, set) & (1UL << number)) != 0;

    private static ulong Mask(string status, string set)
    {
        var line = status.Split('\n').First(line => line.StartsWith(set, StringComparison.Ordinal));
        return ulong.Parse(line.Split(':')[1].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
