using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>Who containers' processes are.</summary>
internal static class UserSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("users/image", "without a user, the image's runs with its group and its further groups", ImageUserAsync),
        new("users/number", "a number runs as that user, with the group of the image's passwd where it has one", NumberAsync),
        new("users/name", "a name is looked up in the image's passwd", NameAsync),
        new("users/group", "run_as_group is the primary group", GroupAsync),
        new("users/group-alone", "run_as_group without a user is refused", GroupAloneAsync),
        new("users/unknown-name", "a name that the image does not have is refused", UnknownNameAsync),
        new("users/merge", "supplemental groups are added to the image's", MergeAsync),
        new("users/strict", "with the Strict policy they are all that there is", StrictAsync),
        new("users/status", "the status tells user and groups", StatusAsync),
        new("users/hostile-passwd", "a passwd that is a link out of the image, a device or huge harms nobody", HostilePasswdAsync),
    ];

    private static async Task ImageUserAsync(SpecContext cri)
    {
        var image = await cri.PullAsync(cri.Settings.TestImage("user"));
        var pod = await cri.RunPodAsync();
        Check.Equal("1000 1000 1000 2000", await IdsAsync(pod, config =>
        {
            config.Image = new ImageSpec { Image = image };
        }));
    }

    private static async Task NumberAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        Check.Equal("33 33 33", await IdsAsync(pod, config => config.Linux.SecurityContext.RunAsUser = new Int64Value { Value = 33 }));
        Check.Equal("4711 0 0", await IdsAsync(pod, config => config.Linux.SecurityContext.RunAsUser = new Int64Value { Value = 4711 }));
    }

    private static async Task NameAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        Check.Equal("1000 1000 1000 2000", await IdsAsync(pod, config => config.Linux.SecurityContext.RunAsUsername = "app"));
    }

    private static async Task GroupAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        Check.Equal("1000 5000 2000 5000", await IdsAsync(pod, config =>
        {
            config.Linux.SecurityContext.RunAsUser = new Int64Value { Value = 1000 };
            config.Linux.SecurityContext.RunAsGroup = new Int64Value { Value = 5000 };
        }));
    }

    private static async Task GroupAloneAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await FailsAsync("group", () => pod.CreateShellAsync("true", config => config.Linux.SecurityContext.RunAsGroup = new Int64Value { Value = 5000 }));
    }

    private static async Task UnknownNameAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await FailsAsync("nobody-has-this", () => pod.RunShellAsync("true", config => config.Linux.SecurityContext.RunAsUsername = "nobody-has-this"));
    }

    private static async Task MergeAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        Check.Equal("1000 1000 1000 2000 7000 8000", await IdsAsync(pod, config =>
        {
            config.Linux.SecurityContext.RunAsUser = new Int64Value { Value = 1000 };
            config.Linux.SecurityContext.SupplementalGroups.Add([7000, 8000]);
        }));
    }

    private static async Task StrictAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        Check.Equal("1000 1000 1000 7000", await IdsAsync(pod, config =>
        {
            config.Linux.SecurityContext.RunAsUser = new Int64Value { Value = 1000 };
            config.Linux.SecurityContext.SupplementalGroups.Add(7000);
            config.Linux.SecurityContext.SupplementalGroupsPolicy = SupplementalGroupsPolicy.Strict;
        }));
    }

    private static async Task StatusAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.CreateShellAsync("true", config =>
        {
            config.Linux.SecurityContext.RunAsUser = new Int64Value { Value = 1000 };
            config.Linux.SecurityContext.SupplementalGroups.Add(7000);
        });
        var user = (await container.StatusAsync()).User.Linux;
        Check.Equal((1000L, 1000L), (user.Uid, user.Gid));
        Check.True(user.SupplementalGroups.Contains(7000) && user.SupplementalGroups.Contains(2000));
    }

    private static async Task HostilePasswdAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        foreach (var name in new[] { "passwd-link", "passwd-fifo", "passwd-huge" })
        {
            var image = await cri.PullAsync(cri.Settings.TestImage(name));
            try
            {
                var container = await pod.CreateAsync(pod.ContainerConfig(image, "id", "-u")).WaitAsync(TimeSpan.FromSeconds(10));
                await container.StartAsync();
                await container.WaitForExitAsync();
            }
            catch (RpcException e)
            {
                Check.Contains("passwd", e.Status.Detail);
            }
        }
    }

    /// <summary>uid, gid and every group of a container's process, in order.</summary>
    private static async Task<string> IdsAsync(SpecPod pod, Action<ContainerConfig> change)
    {
        var output = await pod.OutputAsync("id -u; id -g; id -G | tr ' ' '\\n' | sort -n | uniq", change);
        return output.ReplaceLineEndings(" ");
    }

    private static async Task FailsAsync(string word, Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (RpcException e)
        {
            Check.Contains(word, e.Status.Detail);
            return;
        }
        throw new SpecFailedException($"it succeeded, where an error about '{word}' is expected");
    }
}
