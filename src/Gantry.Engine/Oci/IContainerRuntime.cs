using Gantry.Cgroups;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Oci.Spec;

namespace Gantry.Oci;

/// <summary>What the runtime says of a container (runtime specification, "State").</summary>
public sealed record RuntimeState(string Status, int Pid);

/// <summary>What a command in a container came to; both streams together are cut below 16 MiB.</summary>
public sealed record ExecResult(int ExitCode, byte[] Output, byte[] ErrorOutput);

/// <summary>An OCI runtime (crun, runc): a program that is executed once an operation.</summary>
public interface IContainerRuntime
{
    RuntimeHandler Handler { get; }

    /// <summary>What the runtime can do; asked once, and remembered.</summary>
    Task<RuntimeFeatures> FeaturesAsync();

    /// <exception cref="ToolFailedException">The runtime refused; the message is its own.</exception>
    Task StartAsync(ContainerId id, CancellationToken cancel);

    /// <summary>Sends a signal to the container's process; one that is gone is fine.</summary>
    Task KillAsync(ContainerId id, int signal, CancellationToken cancel);

    /// <summary>Forgets the container, and with <paramref name="force"/> ends it first; an unknown one is fine.</summary>
    Task DeleteAsync(ContainerId id, bool force, CancellationToken cancel);

    /// <summary>Null where the runtime does not know the container.</summary>
    Task<RuntimeState?> StateAsync(ContainerId id, CancellationToken cancel);

    /// <exception cref="ToolFailedException">The kernel refused; the old limits stay.</exception>
    Task UpdateAsync(ContainerId id, LinuxResources resources, CancellationToken cancel);

    /// <summary>Starts a process in the container.</summary>
    /// <param name="id">The container.</param>
    /// <param name="process">What to run; its Terminal says whether it gets one.</param>
    /// <param name="hasInput">Whether its input is a pipe; /dev/null otherwise.</param>
    /// <param name="folder">For files that the call needs and removes.</param>
    /// <param name="cancel">The caller; what was started is killed when it leaves before this returns.</param>
    /// <exception cref="ToolFailedException">The runtime refused, or the program does not exist.</exception>
    Task<RunningProcess> StartProcessAsync(ContainerId id, OciProcess process, bool hasInput, string folder, CancellationToken cancel);
}
