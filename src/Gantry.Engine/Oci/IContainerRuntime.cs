using Gantry.Cgroups;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Oci.Spec;

namespace Gantry.Oci;

/// <summary>What the runtime says of a container (runtime specification, "State").</summary>
public sealed record RuntimeState(string Status, int Pid);

/// <summary>What a command in a container came to; each stream is cut at 16 MiB.</summary>
public sealed record ExecResult(int ExitCode, byte[] Output, byte[] ErrorOutput);

/// <summary>An OCI runtime (crun, runc): a program that is executed once an operation.</summary>
public interface IContainerRuntime
{
    RuntimeHandler Handler { get; }

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

    /// <summary>Runs a process in the container to its end.</summary>
    /// <param name="id">The container.</param>
    /// <param name="process">What to run.</param>
    /// <param name="timeout">Null for none.</param>
    /// <param name="scratchDirectory">For files that the call needs and removes.</param>
    /// <param name="cancel">The caller; the process is killed when it leaves.</param>
    /// <exception cref="TimedOutException">It was killed because its time was up.</exception>
    Task<ExecResult> ExecAsync(ContainerId id, OciProcess process, TimeSpan? timeout, string scratchDirectory, CancellationToken cancel);
}
