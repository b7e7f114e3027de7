using System.Text.Json.Nodes;
using Gantry.Cri.Api;
using Gantry.Networking;
using Grpc.Core;

namespace Gantry.Cri;

public sealed partial class RuntimeService
{
    public override Task<VersionResponse> Version(VersionRequest request, ServerCallContext context) => Task.FromResult(new VersionResponse
    {
        Version = "0.1.0",
        RuntimeName = "gantry",
        RuntimeVersion = DaemonOptions.Version,
        RuntimeApiVersion = "v1",
    });

    public override async Task<StatusResponse> Status(StatusRequest request, ServerCallContext context)
    {
        var network = await node.Network.CheckAsync();
        var runtime = RuntimeReadiness.Of(node);
        var response = new StatusResponse
        {
            Status = new RuntimeStatus(),
            Features = new RuntimeFeatures { SupplementalGroupsPolicy = true, UserNamespacesHostNetwork = node.MountFeatures.UserNamespaces.IsThere, MountOptions = true },
        };
        response.Status.Conditions.Add(new RuntimeCondition { Type = "RuntimeReady", Status = runtime.IsReady, Reason = runtime.Reason, Message = runtime.Message });
        response.Status.Conditions.Add(new RuntimeCondition { Type = "NetworkReady", Status = network.Ready, Reason = network.Reason, Message = network.Message });
        foreach (var name in node.Handlers.Names.Order().Prepend(""))
            response.RuntimeHandlers.Add(await HandlerAsync(name));
        if (request.Verbose)
        {
            response.Info["config"] = new JsonObject
            {
                ["root"] = node.Config.Root,
                ["state"] = node.Config.State,
                ["cniConfDir"] = node.Config.CniConfDirectory,
                ["cgroupMode"] = node.Cgroups.Hierarchy.Mode.ToString(),
            }.ToJsonString();
            response.Info["features"] = new JsonObject
            {
                ["recursiveReadOnlyMounts"] = node.MountFeatures.RecursiveReadOnly.Reason ?? "yes",
                ["userNamespaces"] = node.MountFeatures.UserNamespaces.Reason ?? "yes",
            }.ToJsonString();
        }
        return response;
    }

    /// <summary>A handler with what it can do on this node; the empty name is the default's.</summary>
    private async Task<RuntimeHandler> HandlerAsync(string name)
    {
        var features = await node.Handlers.Get(name.Length == 0 ? node.Handlers.DefaultName : name).FeaturesAsync();
        return new RuntimeHandler
        {
            Name = name,
            Features = new RuntimeHandlerFeatures
            {
                RecursiveReadOnlyMounts = node.MountFeatures.RecursiveReadOnly.IsThere,
                UserNamespaces = node.MountFeatures.UserNamespaces.IsThere && features.Namespaces?.Contains("user") is not false,
            },
        };
    }

    public override Task<RuntimeConfigResponse> RuntimeConfig(RuntimeConfigRequest request, ServerCallContext context) =>
        Task.FromResult(new RuntimeConfigResponse { Linux = new LinuxRuntimeConfiguration { CgroupDriver = CgroupDriver.Cgroupfs } });

    /// <summary>The pod CIDRs matter only where the network's configuration is made from a template.</summary>
    public override Task<UpdateRuntimeConfigResponse> UpdateRuntimeConfig(UpdateRuntimeConfigRequest request, ServerCallContext context)
    {
        var cidrs = CniTemplate.ParseCidrs(request.RuntimeConfig?.NetworkConfig?.PodCidr ?? "");
        if (cidrs.Count > 0 && node.Config.CniConfTemplate.Length > 0 && CniTemplate.Install(node.Config.CniConfTemplate, node.Config.CniConfDirectory, cidrs))
            log.NetworkMade(node.Config.CniConfTemplate, string.Join(", ", cidrs));
        return Task.FromResult(new UpdateRuntimeConfigResponse());
    }
}
