using Gantry.Cri.Api;

namespace Gantry.Conformance.Specs;

/// <summary>What the server says of itself.</summary>
internal static class RuntimeSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("runtime/version", "Version has every field, and a version that a kubelet can parse", VersionAsync),
        new("runtime/conditions", "Status has RuntimeReady and NetworkReady, both true on a whole node", ConditionsAsync),
        new("runtime/handlers", "Status lists the handlers, the default one by the empty name", HandlersAsync),
        new("runtime/features", "handlers tell what they can do, the default one by both of its names, and the runtime that it knows Strict groups", FeaturesAsync),
        new("runtime/config", "RuntimeConfig tells the cgroup driver, without which a kubelet does not start", ConfigAsync),
        new("runtime/update-config", "UpdateRuntimeConfig takes a pod CIDR", UpdateConfigAsync),
    ];

    private static async Task VersionAsync(SpecContext cri)
    {
        var version = await cri.Runtime.VersionAsync(new VersionRequest { Version = "v1" });
        Check.Equal("v1", version.RuntimeApiVersion);
        Check.True(version.Version.Length > 0);
        Check.True(version.RuntimeName.Length > 0 && !version.RuntimeName.Contains(' ') && !version.RuntimeName.Contains(':'));
        Check.True(Version.TryParse(version.RuntimeVersion.TrimStart('v').Split('-', '+', '~')[0], out _), version.RuntimeVersion);
    }

    private static async Task ConditionsAsync(SpecContext cri)
    {
        var status = (await cri.Runtime.StatusAsync(new StatusRequest())).Status;
        foreach (var type in new[] { "RuntimeReady", "NetworkReady" })
        {
            var condition = status.Conditions.FirstOrDefault(condition => condition.Type == type);
            Check.True(condition is { Status: true }, $"{type}: {condition?.Reason} {condition?.Message}");
        }
    }

    private static async Task HandlersAsync(SpecContext cri)
    {
        var handlers = (await cri.Runtime.StatusAsync(new StatusRequest())).RuntimeHandlers;
        Check.True(handlers.Any(handler => handler.Name.Length == 0), "the default handler is listed by the empty name");
        Check.Equal(handlers.Count, handlers.Select(handler => handler.Name).Distinct().Count());
    }

    private static async Task FeaturesAsync(SpecContext cri)
    {
        var status = await cri.Runtime.StatusAsync(new StatusRequest());
        Check.True(status.Features is { SupplementalGroupsPolicy: true });
        var unnamed = status.RuntimeHandlers.First(handler => handler.Name.Length == 0).Features;
        Check.True(unnamed is not null && status.RuntimeHandlers.Any(handler => handler.Name.Length > 0 && unnamed.Equals(handler.Features)), status.RuntimeHandlers.ToString());
        // What is told must be so: the specs of volumes and user namespaces prove it where it is.
        var kernel = Environment.OSVersion.Version;
        Check.True(kernel < new Version(5, 12) || unnamed!.RecursiveReadOnlyMounts, "recursive read-only mounts");
        Check.True(kernel < new Version(6, 3) || unnamed!.UserNamespaces, "user namespaces");
    }

    private static async Task ConfigAsync(SpecContext cri)
    {
        var config = await cri.Runtime.RuntimeConfigAsync(new RuntimeConfigRequest());
        Check.True(config.Linux is not null);
    }

    private static async Task UpdateConfigAsync(SpecContext cri) => await cri.Runtime.UpdateRuntimeConfigAsync(
        new UpdateRuntimeConfigRequest { RuntimeConfig = new RuntimeConfig { NetworkConfig = new NetworkConfig { PodCidr = "10.99.0.0/24" } } });
}
