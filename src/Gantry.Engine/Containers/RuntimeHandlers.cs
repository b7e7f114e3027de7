using Gantry.Faults;
using Gantry.Oci;

namespace Gantry.Containers;

/// <summary>The OCI runtimes that the configuration names: what RuntimeClass calls handlers.</summary>
public sealed class RuntimeHandlers(IReadOnlyDictionary<string, IContainerRuntime> handlers, string defaultName)
{
    /// <summary>The handler that an empty name means.</summary>
    public string DefaultName { get; } = defaultName;

    public IEnumerable<string> Names => handlers.Keys;

    /// <summary>The configured name that <paramref name="requested"/> means; empty means the default.</summary>
    /// <exception cref="InvalidRequestException">The configuration has no such handler.</exception>
    public string Resolve(string requested)
    {
        var name = requested.Length == 0 ? DefaultName : requested;
        return handlers.ContainsKey(name)
            ? name
            : throw new InvalidRequestException(
                $"runtime handler '{name}' is not configured: this node has {string.Join(", ", handlers.Keys.Order())}; "
                + $"add [runtime.handlers.{name}] to the configuration, or correct the RuntimeClass");
    }

    /// <summary>The runtime of a handler that an object was made with.</summary>
    /// <exception cref="WrongStateException">The configuration has lost it since.</exception>
    public IContainerRuntime Get(string name) => handlers.TryGetValue(name, out var runtime)
        ? runtime
        : throw new WrongStateException($"runtime handler '{name}' is no longer configured: add it again to manage what was made with it");
}
