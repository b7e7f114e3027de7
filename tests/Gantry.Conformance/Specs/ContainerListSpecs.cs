using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>Lists of containers, and how they are found.</summary>
internal static class ContainerListSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("lists/filters", "lists of containers filter by id, prefix, pod, state and labels, all at once", FiltersAsync),
        new("lists/prefix", "an unambiguous prefix of an id finds the container", PrefixAsync),
        new("lists/nothing", "a filter that fits nothing is no error", NothingAsync),
        new("lists/empty-id", "an empty id finds nothing", EmptyIdAsync),
    ];

    private static async Task FiltersAsync(SpecContext cri)
    {
        var mark = cri.UniqueName("mark");
        var pod = await cri.RunPodAsync();
        var other = await cri.RunPodAsync();
        void Mark(ContainerConfig config) => config.Labels["mark"] = mark;
        var created = await pod.CreateShellAsync("true", Mark);
        var running = await pod.RunShellAsync("sleep 1000", Mark);
        var exited = await other.RunShellAsync("true", Mark);
        await exited.WaitForExitAsync();
        async Task<string> List(Action<ContainerFilter> change)
        {
            var filter = new ContainerFilter();
            filter.LabelSelector["mark"] = mark;
            change(filter);
            var list = await cri.Runtime.ListContainersAsync(new ListContainersRequest { Filter = filter });
            return Ids(list.Containers.Select(container => container.Id));
        }
        string Ids(IEnumerable<string> ids) => string.Join(',', ids.Order(StringComparer.Ordinal));
        ContainerStateValue State(ContainerState state) => new() { State = state };

        Check.Equal(Ids([created.Id, running.Id, exited.Id]), await List(_ => { }));
        Check.Equal(Ids([created.Id, running.Id]), await List(filter => filter.PodSandboxId = pod.Id));
        Check.Equal(Ids([created.Id, running.Id]), await List(filter => filter.PodSandboxId = pod.Id[..12]));
        Check.Equal(exited.Id, await List(filter => filter.Id = exited.Id[..12]));
        Check.Equal(created.Id, await List(filter => filter.State = State(ContainerState.ContainerCreated)));
        Check.Equal(running.Id, await List(filter => filter.State = State(ContainerState.ContainerRunning)));
        Check.Equal(exited.Id, await List(filter => filter.State = State(ContainerState.ContainerExited)));
        Check.Equal("", await List(filter =>
        {
            filter.State = State(ContainerState.ContainerExited);
            filter.PodSandboxId = pod.Id;
        }));
    }

    private static async Task PrefixAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.CreateShellAsync("true");
        var status = (await cri.Runtime.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = container.Id[..20] })).Status;
        Check.Equal(container.Id, status.Id);
    }

    private static async Task NothingAsync(SpecContext cri)
    {
        var list = await cri.Runtime.ListContainersAsync(new ListContainersRequest { Filter = new ContainerFilter { Id = new string('0', 64) } });
        Check.Equal(0, list.Containers.Count);
    }

    private static async Task EmptyIdAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        await pod.CreateShellAsync("true");
        try
        {
            await cri.Runtime.ContainerStatusAsync(new ContainerStatusRequest());
        }
        catch (RpcException e)
        {
            Check.True(e.StatusCode is StatusCode.NotFound or StatusCode.InvalidArgument, e.Status.ToString());
            return;
        }
        throw new SpecFailedException("an empty id found a container");
    }
}
