using Gantry.Concurrency;
using Gantry.Containers;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Images;
using Gantry.Images.Pulling;
using Gantry.Images.Store;
using Gantry.Linux.Files;
using Gantry.Persistence;

namespace Gantry.Pods.Local;

/// <summary>The calls that a local pod's supervisor makes, as the kubelet makes them over the CRI.</summary>
public sealed record ContainerServices(PodContainers Creator, ContainerStarter Starter, ContainerStopper Stopper, ContainerRemover Remover, ContainerStore Store);

/// <summary>Pulls, creates, starts and clears away the containers of local pods.</summary>
public sealed class LocalContainers(
    NodePaths paths, ContainerServices services, ImageStore images, ImagePuller puller, KernelCalls kernel, TimeSpan restartDelay, TimeProvider time)
{
    public TimeProvider Time { get; } = time;

    /// <summary>Before the second restart; the first is at once, and each later one waits twice as long.</summary>
    public TimeSpan RestartDelay { get; } = restartDelay;

    /// <summary>Pulls the images that the manifest's policies ask for.</summary>
    /// <exception cref="NotFoundException">An image is not here, and its policy is Never.</exception>
    public async Task PullAsync(PodManifest manifest, IProgress<LocalPodProgress> progress, CancellationToken cancel)
    {
        foreach (var container in manifest.InitContainers.Concat(manifest.Containers).DistinctBy(container => container.Spec.Image.Reference))
        {
            var image = container.Spec.Image.Reference;
            var isHere = images.Find(image) is not null;
            if (container.PullPolicy is PullPolicy.Never && !isHere)
                throw new NotFoundException($"image {image} is not on this node, and the imagePullPolicy of container {container.Spec.Name} is Never");
            if (container.PullPolicy is PullPolicy.Never || (isHere && container.PullPolicy is PullPolicy.IfNotPresent))
                continue;
            progress.Report(new LocalPodProgress($"pulling {image}"));
            await puller.PullAsync(
                ImageReference.Parse(image), null, new ForwardedProgress(pull => progress.Report(new LocalPodProgress("", pull))), cancel);
        }
    }

    /// <summary>Creates and starts an attempt of a container, and clears away the attempts before the last.</summary>
    public async Task<ContainerRecord> StartAsync(PodRecord pod, PodManifest manifest, ManifestContainer container, uint attempt, CancellationToken cancel)
    {
        CheckUser(container);
        var mounts = await kernel.RunAsync(
            $"container {container.Spec.Name}: looking at its volumes", _ => container.VolumeMounts.Select(mount => MountOf(pod, manifest.Volumes[mount.Volume], mount)).ToList(), cancel);
        var spec = container.Spec with
        {
            Attempt = attempt,
            LogPath = $"{container.Spec.Name}/{attempt}.log",
            Mounts = mounts,
            Labels = new Dictionary<string, string>(pod.Spec.Labels) { ["io.kubernetes.container.name"] = container.Spec.Name },
        };
        await ClearAsync(pod.Id, spec.Name, attempt, cancel);
        var id = await services.Creator.CreateAsync(pod.Id.Value, spec, cancel);
        await services.Starter.StartAsync(id.Value, cancel);
        return services.Store.Get(id.Value);
    }

    /// <summary>The attempts of a container of that pod, the last one first.</summary>
    public IReadOnlyList<ContainerRecord> Attempts(PodId pod, string name) =>
        [.. services.Store.Of(pod).Where(record => record.Spec.Name == name).OrderByDescending(record => record.Spec.Attempt)];

    /// <summary>Completes when the container has ended; null if it is gone.</summary>
    public async Task<ContainerRecord?> WaitAsync(ContainerId id, CancellationToken cancel)
    {
        await services.Store.WaitForExitAsync(id).WaitAsync(cancel);
        return services.Store.TryGet(id);
    }

    /// <summary>Stops every container of the pod at once.</summary>
    public Task StopAllAsync(PodId pod, TimeSpan grace, CancellationToken cancel) =>
        Task.WhenAll(services.Store.Of(pod).Select(record => services.Stopper.StopAsync(record.Id, grace, cancel)));

    private async Task ClearAsync(PodId pod, string name, uint next, CancellationToken cancel)
    {
        foreach (var old in Attempts(pod, name).Where(record => record.Spec.Attempt + 1 < next || record.State is ContainerState.Created))
        {
            await services.Remover.RemoveAsync(old.Id, cancel);
            File.Delete(old.LogPath);
        }
    }

    /// <summary>The kubelet's rule: who must not be root needs a user that is known by its number.</summary>
    private void CheckUser(ManifestContainer container)
    {
        if (!container.MustNotBeRoot || container.Spec.Security.RunAsUser is > 0)
            return;
        var user = images.Find(container.Spec.Image.Reference)?.Config.User.Split(':')[0] ?? "";
        var isOther = user.Any(c => c is not '0') && user.All(char.IsAsciiDigit);
        if (!isOther)
        {
            throw new WrongStateException(
                $"container {container.Spec.Name}: runAsNonRoot is set, and its image's user is '{(user.Length > 0 ? user : "0")}': set runAsUser to a number that is not 0");
        }
    }

    private MountSpec MountOf(PodRecord pod, ManifestVolume volume, ManifestMount mount)
    {
        var source = volume.HostPath ?? Path.Combine(paths.Pod(pod.Id), "volumes", mount.Volume);
        if (volume.HostPath is null)
            Directory.CreateDirectory(source);
        else
            CheckHostPath(volume, source);
        if (mount.SubPath.Length > 0)
            source = VolumeSubPath.Resolve(source, mount.SubPath);
        return new MountSpec(mount.Path, source)
        {
            ReadOnly = mount.ReadOnly,
            RecursiveReadOnly = mount.RecursiveReadOnly,
            Propagation = mount.Propagation,
            // As the kubelet does: the pod's own volumes, and nothing of the node's.
            SelinuxRelabel = volume.HostPath is null,
        };
    }

    private static void CheckHostPath(ManifestVolume volume, string path)
    {
        var kind = FileStatus.TryGet(path)?.Kind;
        switch (volume.HostPathType)
        {
            case "DirectoryOrCreate" when kind is null:
                Directory.CreateDirectory(path);
                break;
            case "FileOrCreate" when kind is null:
                File.Create(path).Dispose();
                break;
            case "Directory" when kind is not FileKind.Directory:
            case "File" when kind is not FileKind.Regular:
                throw new WrongStateException($"hostPath {path} is not a {volume.HostPathType.ToLowerInvariant()} on this node");
            default:
                break;
        }
    }

    private sealed class ForwardedProgress(Action<PullProgress> forward) : IProgress<PullProgress>
    {
        public void Report(PullProgress value) => forward(value);
    }
}
