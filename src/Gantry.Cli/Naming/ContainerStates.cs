using Gantry.Cri.Api;

namespace Gantry.Cli.Naming;

/// <summary>The CRI's container states in gantry.v1's words.</summary>
internal static class ContainerStates
{
    public static string Show(ContainerState state) => state switch
    {
        ContainerState.ContainerCreated => "Created",
        ContainerState.ContainerRunning => "Running",
        ContainerState.ContainerExited => "Exited",
        _ => "Unknown",
    };
}
