using System.Diagnostics;
using Gantry.Cri.Api;
using Grpc.Core;
using ProfileType = Gantry.Cri.Api.SecurityProfile.Types.ProfileType;

namespace Gantry.Conformance.Specs;

/// <summary>
/// Profiles of AppArmor on a kernel that has it, with the node's apparmor_parser; and that nothing is confined less than it
/// was asked to be on a kernel without.
/// </summary>
internal static class AppArmorSpecs
{
    private const string Parser = "/sbin/apparmor_parser";
    private const string Label = "cat /proc/self/attr/current";

    public static IReadOnlyList<Spec> All { get; } =
    [
        new("apparmor/absent", "a profile that this kernel cannot apply is an error, and Unconfined is none", AbsentAsync),
        new("apparmor/default", "without a profile and with RuntimeDefault a container and its commands have the server's profile", DefaultAsync),
        new("apparmor/default-denies", "the server's profile lets nobody mount, whatever the capabilities, and lets a container be stopped", DefaultDeniesAsync),
        new("apparmor/unconfined", "Unconfined is no profile, and a privileged container has none", UnconfinedAsync),
        new("apparmor/named", "a profile of the node confines the container and its commands", NamedAsync),
        new("apparmor/older-field", "the older field names a profile too, and the newer one wins", OlderFieldAsync),
        new("apparmor/not-loaded", "a profile that is not loaded is refused by its name", NotLoadedAsync),
    ];

    private static bool IsThere => File.Exists("/sys/kernel/security/apparmor/profiles") && File.ReadAllText("/sys/module/apparmor/parameters/enabled").StartsWith('Y');

    private static async Task AbsentAsync(SpecContext cri)
    {
        if (IsThere)
            SpecContext.Skip("this kernel has AppArmor");
        var pod = await cri.RunPodAsync();
        Check.Equal("fine", await pod.OutputAsync("echo fine", config => Use(config, ProfileType.Unconfined)));
        try
        {
            await pod.CreateShellAsync("true", config => Use(config, ProfileType.Localhost, "mine"));
        }
        catch (RpcException e)
        {
            Check.Contains("apparmor", e.Status.Detail.ToLowerInvariant());
            return;
        }
        throw new SpecFailedException("a profile was taken that nothing can apply");
    }

    private static async Task DefaultAsync(SpecContext cri)
    {
        Need();
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync($"{Label}; sleep 1000");
        await Check.EventuallyAsync(() => Task.FromResult(container.ReadLog("stdout").EndsWith('\n')), "the container tells its profile");
        var profile = container.ReadLog("stdout").Trim();
        Check.True(profile.EndsWith(" (enforce)", StringComparison.Ordinal), profile);
        Check.Equal(profile, (await container.ShellAsync(Label)).Trim());
        Check.Equal(profile, (await pod.OutputAsync(Label, config => Use(config, ProfileType.RuntimeDefault))).Trim());
    }

    private static async Task DefaultDeniesAsync(SpecContext cri)
    {
        Need();
        var pod = await cri.RunPodAsync();
        static void Powerful(ContainerConfig config)
        {
            config.Linux.SecurityContext.Capabilities = new Capability();
            config.Linux.SecurityContext.Capabilities.AddCapabilities.Add("SYS_ADMIN");
            config.Linux.SecurityContext.Seccomp = new SecurityProfile { ProfileType = ProfileType.Unconfined };
        }
        Check.Equal("refused", await pod.OutputAsync("mkdir -p /mnt; mount -t tmpfs none /mnt 2>/dev/null || echo refused", Powerful));
        Check.Equal("mounted", await pod.OutputAsync("mkdir -p /mnt; mount -t tmpfs none /mnt && echo mounted", config =>
        {
            Powerful(config);
            Use(config, ProfileType.Unconfined);
        }));
        var container = await pod.RunShellAsync("trap 'exit 7' TERM; echo ready; while true; do sleep 0.1; done");
        await Check.EventuallyAsync(() => Task.FromResult(container.ReadLog("stdout").Contains("ready", StringComparison.Ordinal)), "the trap is set");
        await container.StopAsync(grace: 30);
        Check.Equal(7, (await container.StatusAsync()).ExitCode);
    }

    private static async Task UnconfinedAsync(SpecContext cri)
    {
        Need();
        var pod = await cri.RunPodAsync(config => config.Linux.SecurityContext.Privileged = true);
        Check.Equal("unconfined", (await pod.OutputAsync(Label, config => Use(config, ProfileType.Unconfined))).Trim());
        Check.Equal("unconfined", (await pod.OutputAsync(Label, config => config.Linux.SecurityContext.Privileged = true)).Trim());
    }

    private static async Task NamedAsync(SpecContext cri)
    {
        Need();
        var name = Load(cri);
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000", config => Use(config, ProfileType.Localhost, name));
        Check.Equal($"{name} (enforce)", (await container.ShellAsync(Label)).Trim());
        Check.Equal("refused", (await container.ShellAsync("touch /tmp/file 2>/dev/null || echo refused")).Trim());
        Check.Equal($"{name} (enforce)", (await pod.OutputAsync(Label, config => Use(config, ProfileType.Localhost, $"localhost/{name}"))).Trim());
    }

    private static async Task OlderFieldAsync(SpecContext cri)
    {
        Need();
        var name = Load(cri);
        var pod = await cri.RunPodAsync();
#pragma warning disable CS0612 // The kubelet of the versions before 1.30 fills this one alone.
        Check.Equal($"{name} (enforce)", (await pod.OutputAsync(Label, config => config.Linux.SecurityContext.ApparmorProfile = $"localhost/{name}")).Trim());
        Check.Equal($"{name} (enforce)", (await pod.OutputAsync(Label, config =>
        {
            config.Linux.SecurityContext.ApparmorProfile = "unconfined";
            Use(config, ProfileType.Localhost, name);
        })).Trim());
#pragma warning restore CS0612
    }

    private static async Task NotLoadedAsync(SpecContext cri)
    {
        Need();
        var pod = await cri.RunPodAsync();
        try
        {
            await pod.CreateShellAsync("true", config => Use(config, ProfileType.Localhost, "never-loaded"));
        }
        catch (RpcException e)
        {
            Check.Contains("never-loaded", e.Status.Detail);
            return;
        }
        throw new SpecFailedException("a container was made with a profile that is not loaded");
    }

    private static void Need()
    {
        if (!IsThere)
            SpecContext.Skip("this kernel has no AppArmor");
        if (!File.Exists(Parser))
            SpecContext.Skip($"{Parser} is not there (package apparmor)");
    }

    private static void Use(ContainerConfig config, ProfileType type, string name = "") =>
        config.Linux.SecurityContext.Apparmor = new SecurityProfile { ProfileType = type, LocalhostRef = name };

    /// <summary>Loads a profile that lets nothing be written below /tmp. It stays until the kernel ends: profiles of one name replace each other.</summary>
    private static string Load(SpecContext cri)
    {
        const string name = "gantry-conformance";
        var file = Path.Combine(cri.Settings.Folder, $"{name}-{Guid.NewGuid():N}");
        File.WriteAllText(file, $"profile {name} flags=(attach_disconnected,mediate_deleted) {{\n  network,\n  capability,\n  file,\n  umount,\n  signal,\n  ptrace,\n  deny /tmp/** w,\n}}\n");
        using var parser = Process.Start(Parser, ["-Kr", file]);
        parser.WaitForExit();
        File.Delete(file);
        return parser.ExitCode == 0 ? name : throw new SpecFailedException($"{Parser} ended with {parser.ExitCode}");
    }
}
