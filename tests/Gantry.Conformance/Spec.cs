namespace Gantry.Conformance;

/// <summary>One behaviour of a CRI server that can be tried on any endpoint of this machine.</summary>
/// <param name="Id">As "containers/exit-code": the area, and a name that stays the same.</param>
/// <param name="Behaviour">A sentence that is true of a server that passes.</param>
/// <param name="Run">Tries it; throws <see cref="SpecFailedException"/> or <see cref="SpecSkippedException"/>.</param>
public sealed record Spec(string Id, string Behaviour, Func<SpecContext, Task> Run)
{
    public string Area => Id[..Id.IndexOf('/', StringComparison.Ordinal)];

    public override string ToString() => Id;
}

/// <summary>The server does not behave as the spec says.</summary>
public sealed class SpecFailedException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>This machine or server cannot show the behaviour; the message says why.</summary>
public sealed class SpecSkippedException(string reason) : Exception(reason);
