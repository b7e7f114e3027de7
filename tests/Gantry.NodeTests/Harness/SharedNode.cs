using Xunit;

namespace Gantry.NodeTests.Harness;

/// <summary>One node for all tests of a class: each must leave it as it was.</summary>
public class SharedNode(NodeNetwork network) : IAsyncLifetime
{
    private GantryNode? _node;

    public GantryNode Node => _node!;

    /// <summary>More of the node's configuration, as a drop-in file.</summary>
    protected virtual string Configuration => "";

    public virtual async ValueTask InitializeAsync() => _node = await GantryNode.StartAsync(network, Configuration);

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_node is not null)
            await _node.DisposeAsync();
    }
}
