using System.Text.Json.Nodes;
using Gantry.Cri.Api;
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

    public override Task<StatusResponse> Status(StatusRequest request, ServerCallContext context)
    {
        var network = node.Network.Check();
        var missing = node.Config.Handlers.TryGetValue(node.Handlers.DefaultName, out var path) && !File.Exists(path) ? path : null;
        var response = new StatusResponse { Status = new RuntimeStatus(), Features = new RuntimeFeatures { SupplementalGroupsPolicy = true } };
        response.Status.Conditions.Add(new RuntimeCondition
        {
            Type = "RuntimeReady",
            Status = missing is null,
            Reason = missing is null ? "" : "RuntimeMissing",
            Message = missing is null ? "" : $"the OCI runtime {missing} is not installed",
        });
        response.Status.Conditions.Add(new RuntimeCondition { Type = "NetworkReady", Status = network.Ready, Reason = network.Reason, Message = network.Message });
        foreach (var name in node.Handlers.Names.Order().Prepend(""))
            response.RuntimeHandlers.Add(new RuntimeHandler { Name = name, Features = new RuntimeHandlerFeatures() });
        if (request.Verbose)
        {
            response.Info["config"] = new JsonObject
            {
                ["root"] = node.Config.Root,
                ["state"] = node.Config.State,
                ["cniConfDir"] = node.Config.CniConfDirectory,
                ["cgroupMode"] = node.Cgroups.Hierarchy.Mode.ToString(),
            }.ToJsonString();
        }
        return Task.FromResult(response);
    }

    public override Task<RuntimeConfigResponse> RuntimeConfig(RuntimeConfigRequest request, ServerCallContext context) =>
        Task.FromResult(new RuntimeConfigResponse { Linux = new LinuxRuntimeConfiguration { CgroupDriver = CgroupDriver.Cgroupfs } });

    /// <summary>The pod CIDR matters only where the network's configuration is made from a template, which Gantry's is not.</summary>
    public override Task<UpdateRuntimeConfigResponse> UpdateRuntimeConfig(UpdateRuntimeConfigRequest request, ServerCallContext context) =>
        Task.FromResult(new UpdateRuntimeConfigResponse());
}
