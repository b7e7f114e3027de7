using System.Collections.Concurrent;
using Gantry.Concurrency;
using Gantry.Containers;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images.Pulling;
using Gantry.Images.Store;
using Gantry.Linux.Files;
using Gantry.Persistence;
using Microsoft.Extensions.Logging;

namespace Gantry.Pods.Local;

/// <summary>What a local pod is run with: the same services that the CRI's calls use.</summary>
public sealed record PodServices(PodStore Pods, PodRunner Runner, PodStopper Stopper, PodRemover Remover, ContainerStore Containers);

/// <summary>What is told while a pod starts: a line, and the pull where it is about one.</summary>
public sealed record LocalPodProgress(string Message, PullProgress? Pull = null);

/// <summary>A local pod's containers as they are, with how often each was restarted and why one waits.</summary>
public sealed record LocalPodStatus(PodRecord Pod, string Phase, IReadOnlyList<LocalContainerStatus> Containers);

/// <summary>A container of a local pod; <paramref name="Record"/> is null while it waits for its first start.</summary>
public sealed record LocalContainerStatus(string Name, string Image, ContainerRecord? Record, string WaitingReason);

/// <summary>
/// Pods that run from a manifest without a kubelet. Each has a supervisor that honours its restart policy; the manifest is
/// kept in the pod's directory, so that a new daemon goes on where the old one was.
/// </summary>
public sealed class LocalPods(NodePaths paths, string logRoot, PodServices services, LocalContainers containers, ImageStore images, ILogger log) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<PodId, LocalPodSupervisor> _supervisors = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _halfMade = [];

    /// <summary>By namespace/name: a pod whose image comes slowly delays no other.</summary>
    private readonly KeyedLock<string> _changes = new();

    /// <summary>Takes up the local pods of an earlier daemon; called once, after recovery.</summary>
    public void Resume()
    {
        foreach (var pod in services.Pods.All.Where(pod => pod.Spec.IsLocal && pod.State is PodState.Ready))
        {
            if (!File.Exists(ManifestPath(pod.Id)))
            {
                // The daemon died between the two: whoever asked for it was told of a failure.
                _halfMade.Add(RemoveHalfMadeAsync(pod));
                continue;
            }
            try
            {
                Supervise(pod, ManifestReader.Read(File.ReadAllBytes(ManifestPath(pod.Id))));
            }
            catch (Exception e) when (e is IOException or GantryException)
            {
                log.LocalPodNotResumed(pod.Id, e);
            }
        }
    }

    /// <summary>Runs a manifest and returns when its containers have started, or the first of them has failed for good.</summary>
    /// <param name="podJson">A v1/Pod as JSON.</param>
    /// <param name="replace">Remove a local pod of the same name first, instead of refusing.</param>
    /// <param name="progress">Told what happens meanwhile.</param>
    /// <param name="cancel">Ends the wait; a pod that has been made goes on.</param>
    /// <exception cref="InvalidRequestException">The manifest is wrong; the message names the field.</exception>
    /// <exception cref="AlreadyExistsException">A local pod has that name.</exception>
    public async Task<LocalPodStatus> RunAsync(ReadOnlyMemory<byte> podJson, bool replace, IProgress<LocalPodProgress> progress, CancellationToken cancel)
    {
        var manifest = ManifestReader.Read(podJson);
        foreach (var note in manifest.Notes)
            progress.Report(new LocalPodProgress($"note: {note}"));
        var name = $"{manifest.Pod.Namespace}/{manifest.Pod.Name}";
        PodRecord pod;
        LocalPodSupervisor supervisor;
        using (await _changes.EnterAsync(name, cancel))
        {
            var existing = FindByName(name);
            if (existing is not null && !replace)
                throw new AlreadyExistsException($"pod {name} already runs as {existing.Id.Short}: remove it with 'gantry rm {manifest.Pod.Name}', or run with --replace");
            // First, so that a pod is not removed for one that cannot be run.
            await containers.PullAsync(manifest, progress, cancel);
            if (existing is not null)
            {
                progress.Report(new LocalPodProgress($"removing the old pod {existing.Id.Short}"));
                await RemoveOneAsync(existing, manifest.Grace, cancel);
            }
            cancel.ThrowIfCancellationRequested();
            (pod, supervisor) = await MakeAsync(manifest, podJson);
        }
        progress.Report(new LocalPodProgress($"pod {name} is ready{(pod.Addresses.Count > 0 ? " at " + string.Join(", ", pod.Addresses) : "")}"));
        await supervisor.Started(progress).WaitAsync(cancel);
        return StatusOf(services.Pods.TryGet(pod.Id) ?? pod);
    }

    /// <summary>The local pods, and with <paramref name="all"/> the kubelet's too.</summary>
    public IReadOnlyList<LocalPodStatus> List(bool all) =>
        [.. services.Pods.All.Where(pod => all || pod.Spec.IsLocal).Select(StatusOf)];

    /// <summary>Stops a local pod's containers within their grace period, then the pod.</summary>
    /// <param name="reference">An id, a prefix, a name, or namespace/name.</param>
    /// <param name="grace">Null for the manifest's own.</param>
    /// <param name="cancel">Ends the wait.</param>
    public async Task StopAsync(string reference, TimeSpan? grace, CancellationToken cancel)
    {
        var pod = Find(reference);
        using var held = await _changes.EnterAsync(NameOf(pod), cancel);
        await StopOneAsync(pod, grace ?? GraceOf(pod), cancel);
    }

    /// <summary>Removes a local pod with its containers and logs.</summary>
    /// <exception cref="WrongStateException">It runs, and <paramref name="force"/> was not given.</exception>
    public async Task RemoveAsync(string reference, bool force, CancellationToken cancel)
    {
        var pod = Find(reference);
        if (!force && pod.State is PodState.Ready && StatusOf(pod).Phase is "Running" or "Pending")
            throw new WrongStateException($"pod {pod.Spec.Name} is running: stop it first, or remove it with --force");
        using var held = await _changes.EnterAsync(NameOf(pod), cancel);
        await RemoveOneAsync(pod, GraceOf(pod), cancel);
    }

    /// <summary>Ends the supervisors; the pods go on, and the next daemon takes them up.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        foreach (var supervisor in _supervisors.Values)
            await supervisor.EndAsync();
        await Task.WhenAll(_halfMade);
        _stopping.Dispose();
    }

    /// <summary>Not the caller's token: a pod without its manifest would be nobody's.</summary>
    private async Task<(PodRecord Pod, LocalPodSupervisor Supervisor)> MakeAsync(PodManifest manifest, ReadOnlyMemory<byte> podJson)
    {
        var uid = Guid.NewGuid().ToString();
        var spec = manifest.Pod with
        {
            Uid = uid,
            LogDirectory = Path.Combine(logRoot, $"{manifest.Pod.Namespace}_{manifest.Pod.Name}_{uid}"),
            Labels = WithKubernetesLabels(manifest.Pod, uid),
        };
        var id = await services.Runner.RunAsync(spec, CancellationToken.None);
        var pod = services.Pods.Get(id.Value);
        try
        {
            AtomicFile.Write(ManifestPath(id), podJson.Span);
        }
        catch (IOException)
        {
            await services.Remover.RemoveAsync(id, CancellationToken.None);
            throw;
        }
        return (pod, Supervise(pod, manifest));
    }

    private async Task RemoveHalfMadeAsync(PodRecord pod)
    {
        try
        {
            await services.Remover.RemoveAsync(pod.Id, _stopping.Token);
        }
        catch (Exception e) when (e is GantryException or IOException or OperationCanceledException)
        {
            log.LocalPodNotResumed(pod.Id, e);
        }
    }

    /// <summary>The labels by which log collectors and cAdvisor find a pod.</summary>
    private static Dictionary<string, string> WithKubernetesLabels(PodSpec pod, string uid) => new(pod.Labels)
    {
        ["io.kubernetes.pod.name"] = pod.Name,
        ["io.kubernetes.pod.namespace"] = pod.Namespace,
        ["io.kubernetes.pod.uid"] = uid,
    };

    private LocalPodSupervisor Supervise(PodRecord pod, PodManifest manifest) =>
        _supervisors[pod.Id] = new LocalPodSupervisor(pod, manifest, containers, log, _stopping.Token);

    private async Task StopOneAsync(PodRecord pod, TimeSpan grace, CancellationToken cancel)
    {
        if (_supervisors.TryRemove(pod.Id, out var supervisor))
            await supervisor.EndAsync();
        await containers.StopAllAsync(pod.Id, grace, cancel);
        await services.Stopper.StopAsync(pod.Id, cancel);
    }

    private async Task RemoveOneAsync(PodRecord pod, TimeSpan grace, CancellationToken cancel)
    {
        await StopOneAsync(pod, grace, cancel);
        await services.Remover.RemoveAsync(pod.Id, cancel);
        if (pod.Spec.LogDirectory.Length > 0)
            DirectoryRemover.Remove(pod.Spec.LogDirectory);
    }

    private TimeSpan GraceOf(PodRecord pod) => _supervisors.TryGetValue(pod.Id, out var supervisor) ? supervisor.Manifest.Grace : TimeSpan.FromSeconds(30);

    private PodRecord Find(string reference)
    {
        var byName = reference.Contains('/') ? FindByName(reference) : FindByName($"default/{reference}") ?? FindByOnlyName(reference);
        if (byName is not null)
            return byName;
        var byId = services.Pods.TryFind(reference);
        return byId is { Spec.IsLocal: true }
            ? byId
            : throw new NotFoundException(byId is null
                ? $"pod {reference} does not exist: 'gantry pods' lists those that do"
                : $"pod {reference} is the kubelet's: manage it through Kubernetes");
    }

    private PodRecord? FindByName(string name) => services.Pods.All.FirstOrDefault(pod => pod.Spec.IsLocal && NameOf(pod) == name);

    private static string NameOf(PodRecord pod) => $"{pod.Spec.Namespace}/{pod.Spec.Name}";

    private PodRecord? FindByOnlyName(string name)
    {
        var found = services.Pods.All.Where(pod => pod.Spec.IsLocal && pod.Spec.Name == name).Take(2).ToList();
        return found.Count > 1 ? throw new InvalidRequestException($"several pods are named {name}: say namespace/{name}") : found.FirstOrDefault();
    }

    private LocalPodStatus StatusOf(PodRecord pod)
    {
        var own = services.Containers.Of(pod.Id);
        var supervisor = _supervisors.GetValueOrDefault(pod.Id);
        var listed = supervisor is not null
            ? supervisor.Statuses(own)
            : [.. own.GroupBy(record => record.Spec.Name).Select(group => Last(group)).Select(record => new LocalContainerStatus(record.Spec.Name, ImageName(record), record, ""))];
        return new LocalPodStatus(pod, Phase(pod, listed, supervisor), listed);
    }

    private string ImageName(ContainerRecord record) =>
        record.Spec.Image.UserSpecified.Length > 0 ? record.Spec.Image.UserSpecified : images.Find(record.ImageId.Value)?.Tags.FirstOrDefault() ?? record.ImageName;

    private static ContainerRecord Last(IEnumerable<ContainerRecord> attempts) => attempts.MaxBy(record => record.Spec.Attempt)!;

    private static string Phase(PodRecord pod, IReadOnlyList<LocalContainerStatus> listed, LocalPodSupervisor? supervisor)
    {
        if (listed.Any(container => container.Record is { State: ContainerState.Running }))
            return pod.State is PodState.Ready ? "Running" : "NotReady";
        var isOver = pod.State is PodState.NotReady || supervisor is null or { IsOver: true };
        if (!isOver)
            return "Pending";
        if (listed.Count == 0 || listed.Any(container => container.Record is null))
            return pod.State is PodState.NotReady ? "NotReady" : "Failed";
        return listed.All(container => container.Record!.End is { Code: 0 }) ? "Succeeded" : "Failed";
    }

    private string ManifestPath(PodId id) => Path.Combine(paths.Pod(id), "manifest.json");
}
