using Gantry.Containers;
using Gantry.Cri.Api;
using Gantry.Faults;

namespace Gantry.Cri.Translation;

/// <summary>Parses a ContainerConfig once; what comes out is checked.</summary>
internal static class ContainerSpecFromCri
{
    /// <exception cref="InvalidRequestException">A field is missing or wrong; the message names it.</exception>
    public static ContainerSpec Translate(ContainerConfig? config)
    {
        var metadata = config?.Metadata ?? throw new InvalidRequestException("config.metadata is missing");
        if (config.Image is null || config.Image.Image.Length == 0)
            throw new InvalidRequestException("config.image.image is empty");
        return new ContainerSpec
        {
            Name = PodSpecFromCri.Name(metadata.Name, "config.metadata.name"),
            Attempt = metadata.Attempt,
            Image = Image(config.Image),
            Command = [.. config.Command],
            Arguments = [.. config.Args],
            WorkingDirectory = PodSpecFromCri.OptionalPath(config.WorkingDir, "config.working_dir"),
            Environment = [.. config.Envs.Select(Variable)],
            Mounts = Mounts(config.Mounts),
            Devices = [.. config.Devices.Select(Device)],
            CdiDevices = [.. config.CDIDevices.Select(device => device.Name)],
            Labels = PodSpecFromCri.Labels(config.Labels, "config.labels"),
            Annotations = new Dictionary<string, string>(config.Annotations),
            LogPath = LogPath(config.LogPath),
            Stdin = config.Stdin,
            StdinOnce = config.StdinOnce,
            Terminal = config.Tty,
            Resources = ResourcesFromCri.Translate(config.Linux?.Resources),
            Security = SecurityFromCri.Translate(config.Linux?.SecurityContext),
            StopSignal = SignalNames.ToName(config.StopSignal),
        };
    }

    public static ImageSource Image(ImageSpec image) => new(image.Image)
    {
        UserSpecified = image.UserSpecifiedImage,
        RuntimeHandler = image.RuntimeHandler,
        Annotations = new Dictionary<string, string>(image.Annotations),
    };

    private static EnvironmentVariable Variable(KeyValue variable)
    {
        if (variable.Key.Length == 0 || variable.Key.Contains('=') || variable.Key.Contains('\0') || variable.Value.Span.Contains((byte)0))
            throw new InvalidRequestException($"config.envs: '{PodSpecFromCri.Shown(variable.Key)}' is no variable: a name without '=' and NUL, a value without NUL");
        return new EnvironmentVariable(variable.Key, variable.Value.ToByteArray());
    }

    private static List<MountSpec> Mounts(IEnumerable<Mount> mounts)
    {
        var all = mounts.Select(MountFromCri.Translate).ToList();
        var twice = all.GroupBy(mount => mount.ContainerPath.TrimEnd('/')).FirstOrDefault(group => group.Count() > 1);
        return twice is null ? all : throw new InvalidRequestException($"config.mounts: container_path {PodSpecFromCri.Shown(twice.Key)} is given {twice.Count()} times: each place takes one mount");
    }

    private static DeviceSpec Device(Device device) => device.HostPath.StartsWith('/') && device.ContainerPath.StartsWith('/') && device.Permissions.All(c => c is 'r' or 'w' or 'm')
        ? new DeviceSpec(device.ContainerPath, device.HostPath, device.Permissions)
        : throw new InvalidRequestException($"config.devices: {PodSpecFromCri.Shown(device.HostPath)} needs absolute paths, and permissions of r, w and m");

    /// <summary>Below the pod's log directory, and nowhere else.</summary>
    private static string LogPath(string path) => path.StartsWith('/') || path.EndsWith('/') || path.Length >= 4096 || path.Contains('\0') || path.Split('/').Contains("..")
        ? throw new InvalidRequestException($"config.log_path '{PodSpecFromCri.Shown(path)}' is not a file's relative path without '..'")
        : path;
}
