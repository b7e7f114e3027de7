using Gantry.Concurrency;

namespace Gantry.Oci;

/// <summary>An OCI runtime as the configuration names it: what RuntimeClass calls a handler.</summary>
/// <param name="Name">"crun", "runc", or a name of the operator's.</param>
/// <param name="Path">The program, absolute.</param>
/// <param name="Root">Where it keeps its state (--root).</param>
/// <param name="ExtraArguments">More global arguments.</param>
public sealed record RuntimeHandler(string Name, string Path, string Root, IReadOnlyList<string> ExtraArguments)
{
    /// <summary>What stands before the verb on every command line.</summary>
    public IReadOnlyList<string> GlobalArguments => ["--root", Root, .. ExtraArguments];
}

/// <summary>What holds for every execution of an OCI runtime: one that hangs delays nobody for longer, and only its own object.</summary>
/// <param name="Calls">All of them together.</param>
/// <param name="Deadline">Of each; it is killed then.</param>
public sealed record RuntimeLimits(CallLimit Calls, TimeSpan Deadline);
