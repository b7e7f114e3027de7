using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Conformance;

/// <summary>The node on which all specs run that do it no harm.</summary>
public sealed class SharedNode(NodeNetwork network) : IAsyncLifetime
{
    private GantryNode? _node;

    public GantryNode Node => _node!;

    public async ValueTask InitializeAsync() => _node = await GantryNode.StartAsync(network);

    public async ValueTask DisposeAsync()
    {
        if (_node is not null)
            await _node.DisposeAsync();
    }
}
