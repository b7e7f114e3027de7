using Gantry.Cli.Connection;
using Gantry.Cli.Output;

namespace Gantry.Cli;

/// <summary>What a verb works with: the node, the screen, and the token that ends it (Ctrl-C or the time limit).</summary>
internal sealed record Session(NodeConnection Node, Screen Screen, CancellationToken Cancel);
