using Gantry.Concurrency;

namespace Gantry.Oci;

/// <summary>An OCI runtime as the configuration names it: what RuntimeClass calls a handler.</summary>
/// <param name="Name">"crun", "runc", or a name of the operator's.</param>
/// <param name="Path">The program, absolute.</param>
/// <param name="Root">Where it keeps its state (--root).</param>
/// <param name="ExtraArguments">More global arguments.</param>
public sealed record RuntimeHandler(string Name, string Path, string Root, IReadOnlyList<string> ExtraArguments)
{
    /// <summary>The program as it is started.</summary>
    public Linux.Processes.SealedProgram Program { get; } = new(Path);

    /// <summary>NAME=value, for the runtime's own process, besides this daemon's.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>
    /// Names of annotations of pods and containers that the runtime may see; one that ends in '*' means all that begin so.
    /// All others are kept from it, since runtimes obey some.
    /// </summary>
    public IReadOnlyList<string> AllowedAnnotations { get; init; } = [];

    /// <summary>Whether a privileged container gets none of the node's devices.</summary>
    public bool PrivilegedWithoutHostDevices { get; init; }

    public bool Allows(string annotation) =>
        AllowedAnnotations.Any(allowed => allowed.EndsWith('*') ? annotation.StartsWith(allowed[..^1], StringComparison.Ordinal) : annotation == allowed);

    /// <summary>The environment of the runtime's process; null for this daemon's own.</summary>
    public IReadOnlyList<string>? ProcessEnvironment => Environment.Count == 0 ? null : [.. Linux.Processes.ProcessEnvironment.Own(), .. Environment];

    /// <summary>What stands before the verb on every command line.</summary>
    public IReadOnlyList<string> GlobalArguments => ["--root", Root, .. ExtraArguments];
}

/// <summary>What holds for every execution of an OCI runtime: one that hangs delays nobody for longer, and only its own object.</summary>
/// <param name="Calls">All of them together.</param>
/// <param name="Deadline">Of each; it is killed then.</param>
public sealed record RuntimeLimits(CallLimit Calls, TimeSpan Deadline);
