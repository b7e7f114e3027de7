using Gantry.Cli.Connection;
using Gantry.Cli.Output;
using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Cli.Naming;

/// <summary>The node's names for the shell's completion, read before the command line is parsed; empty in any other run.</summary>
internal sealed record CompletionNames(IReadOnlyList<string> Pods, IReadOnlyList<string> Containers, IReadOnlyList<string> Images)
{
    private static readonly CompletionNames _none = new([], [], []);

    public IEnumerable<string> PodsAndContainers => Pods.Concat(Containers).Distinct();

    /// <summary>Never fails and never waits long: someone is holding the Tab key.</summary>
    public static async Task<CompletionNames> ForAsync(IReadOnlyList<string> arguments, Screen screen)
    {
        if (arguments.Count == 0 || !arguments[0].StartsWith("[suggest", StringComparison.Ordinal))
            return _none;
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(700), screen.Time);
        try
        {
            using var node = new NodeConnection(Endpoint.Choose(null, screen.Environment("GANTRY_ENDPOINT")));
            var inventory = await Inventory.ReadAsync(node, limit.Token);
            var images = await node.Images.ListImagesAsync(new ListImagesRequest(), cancellationToken: limit.Token);
            return new CompletionNames(
                [.. inventory.Pods.Select(pod => pod.Name).Distinct()],
                [.. inventory.Containers.Select(one => $"{one.Pod.Name}/{one.Container.Name}").Distinct()],
                [.. images.Images.SelectMany(image => image.RepoTags)]);
        }
        catch (Exception failure) when (failure is RpcException or OperationCanceledException or CommandException)
        {
            return _none;
        }
    }
}
