using System.Diagnostics;
using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>Mounts that a server must do more for than bind: recursive read-only, propagation, options, images.</summary>
internal static class VolumeSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("volumes/recursive-read-only", "a recursively read-only mount is read-only with what is mounted below it", RecursiveAsync),
        new("volumes/plain-read-only", "a mount that is read-only alone leaves what is mounted below it as it is", PlainReadOnlyAsync),
        new("volumes/recursive-refusals", "a recursively read-only mount must be read-only and private", RecursiveRefusalsAsync),
        new("volumes/status", "a status tells every field of a mount as it was sent", StatusAsync),
        new("volumes/options", "noexec, nosuid and nodev take away what they say, with read-only and without", OptionsAsync),
        new("volumes/unknown-option", "a mount option that is not known is refused", UnknownOptionAsync),
        new("volumes/private", "a private mount neither sees the node's later mounts nor shows its own", PrivateAsync),
        new("volumes/slave", "a slave mount sees the node's later mounts, and does not show its own", SlaveAsync),
        new("volumes/shared", "a shared mount sees and shows mounts", SharedAsync),
        new("volumes/not-shared-refused", "a slave or shared mount of what is private is refused", NotSharedAsync),
        new("volumes/node-keeps-mounts", "the node's mounts below a volume outlive the container, however the volume was mounted", NodeKeepsMountsAsync),
        new("volumes/image", "an image is mounted as a volume, read-only, and programs in it can be run", ImageAsync),
        new("volumes/image-layers", "a volume of an image with many layers shows what a container of it would", ImageLayersAsync),
        new("volumes/image-sub-path", "a path inside of an image is mounted, a directory or a file", ImageSubPathAsync),
        new("volumes/image-sub-path-inside", "no link and no '..' of an image's path leads out of the image", ImageSubPathInsideAsync),
        new("volumes/image-missing", "an image that is not on the node, and a path that it does not have, are refused in the kubelet's words", ImageMissingAsync),
        new("volumes/image-refusals", "an image volume is read-only and has no host path", ImageRefusalsAsync),
        new("volumes/image-removed", "an image volume outlives the removal of its image, and its status tells the image still", ImageRemovedAsync),
        new("volumes/image-status", "a status tells the image volume's digest", ImageStatusAsync),
        new("volumes/retry", "a container that could not be created leaves nothing, and can be created once the cause is gone", RetryAsync),
    ];

    private static async Task RecursiveAsync(SpecContext cri)
    {
        await using var host = new HostMounts(cri);
        host.Tmpfs("sub");
        var pod = await cri.RunPodAsync();
        var output = await pod.OutputAsync(
            "for d in /data /data/sub; do touch $d/file 2>/dev/null || echo refused; done",
            config => config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = host.Path, Readonly = true, RecursiveReadOnly = true }));
        Check.Equal("refused refused", output.ReplaceLineEndings(" "));
    }

    private static async Task PlainReadOnlyAsync(SpecContext cri)
    {
        await using var host = new HostMounts(cri);
        host.Tmpfs("sub");
        var pod = await cri.RunPodAsync();
        var output = await pod.OutputAsync(
            "touch /data/file 2>/dev/null || echo refused; touch /data/sub/file && echo written",
            config => config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = host.Path, Readonly = true }));
        Check.Equal("refused written", output.ReplaceLineEndings(" "));
    }

    private static async Task RecursiveRefusalsAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        foreach (var mount in new[]
                 {
                     new Mount { RecursiveReadOnly = true },
                     new Mount { RecursiveReadOnly = true, Readonly = true, Propagation = MountPropagation.PropagationHostToContainer },
                     new Mount { RecursiveReadOnly = true, Readonly = true, Propagation = MountPropagation.PropagationBidirectional },
                 })
        {
            mount.ContainerPath = "/data";
            mount.HostPath = cri.Folder;
            await Check.FailsAsync(StatusCode.InvalidArgument, () => pod.CreateShellAsync("true", config => config.Mounts.Add(mount)), "recursively read-only");
        }
    }

    private static async Task StatusAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var mount = new Mount { ContainerPath = "/data/", HostPath = cri.Folder, Readonly = true, RecursiveReadOnly = true, SelinuxRelabel = true };
        mount.MountOptions.Add("noexec");
        var container = await pod.CreateShellAsync("true", config => config.Mounts.Add(mount));
        Check.Equal(mount, (await container.StatusAsync()).Mounts.Single());
    }

    private static async Task OptionsAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        foreach (var isReadOnly in new[] { false, true })
        {
            await using var host = new HostMounts(cri);
            host.Tmpfs("sub", "exec,suid,dev");
            foreach (var folder in new[] { host.Path, $"{host.Path}/sub" })
            {
                File.WriteAllText($"{folder}/run", "#!/bin/sh\necho ran\n");
                File.SetUnixFileMode($"{folder}/run", UnixFileMode.UserRead | UnixFileMode.UserExecute);
            }
            var mount = new Mount { ContainerPath = "/data", HostPath = host.Path, Readonly = isReadOnly };
            mount.MountOptions.Add(["noexec", "nosuid", "nodev"]);
            var output = await pod.OutputAsync("/data/run || echo refused; /data/sub/run || echo refused; grep ' /data' /proc/mounts | cut -d' ' -f2,4", config => config.Mounts.Add(mount));
            var lines = output.Split('\n');
            Check.Equal("refused refused", $"{lines[0]} {lines[1]}");
            foreach (var line in lines[2..])
            {
                foreach (var option in mount.MountOptions)
                    Check.Contains(option, line);
            }
        }
    }

    private static async Task UnknownOptionAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        foreach (var option in new[] { "remount", "rw,exec", "rshared", "" })
        {
            var mount = new Mount { ContainerPath = "/data", HostPath = cri.Folder };
            mount.MountOptions.Add(option);
            await Check.FailsAsync(StatusCode.InvalidArgument, () => pod.CreateShellAsync("true", config => config.Mounts.Add(mount)), "mount option");
        }
    }

    private static Task PrivateAsync(SpecContext cri) => PropagateAsync(cri, MountPropagation.PropagationPrivate, seesNode: false, shows: false);

    private static Task SlaveAsync(SpecContext cri) => PropagateAsync(cri, MountPropagation.PropagationHostToContainer, seesNode: true, shows: false);

    private static Task SharedAsync(SpecContext cri) => PropagateAsync(cri, MountPropagation.PropagationBidirectional, seesNode: true, shows: true);

    private static async Task PropagateAsync(SpecContext cri, MountPropagation propagation, bool seesNode, bool shows)
    {
        await using var host = new HostMounts(cri);
        host.Share();
        Directory.CreateDirectory($"{host.Path}/inner");
        Directory.CreateDirectory($"{host.Path}/outer");
        var pod = await cri.RunPodAsync(config => config.Linux.SecurityContext.Privileged = true);
        var container = await pod.RunShellAsync("sleep 1000", config =>
        {
            config.Linux.SecurityContext.Privileged = true;
            config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = host.Path, Propagation = propagation });
        });
        host.Tmpfs("outer");
        File.WriteAllText($"{host.Path}/outer/file", "");
        Check.Equal(seesNode ? "file" : "", await container.ShellAsync("ls /data/outer"));
        await container.ShellAsync("mount -t tmpfs none /data/inner && touch /data/inner/file");
        Check.Equal(shows, File.Exists($"{host.Path}/inner/file"));
        await container.ShellAsync("umount /data/inner");
    }

    private static async Task NotSharedAsync(SpecContext cri)
    {
        await using var host = new HostMounts(cri);
        host.MakePrivate();
        var pod = await cri.RunPodAsync();
        foreach (var propagation in new[] { MountPropagation.PropagationHostToContainer, MountPropagation.PropagationBidirectional })
        {
            await Check.FailsAsync(
                StatusCode.FailedPrecondition,
                () => pod.CreateShellAsync("true", config => config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = host.Path, Propagation = propagation })),
                "shared");
        }
    }

    private static async Task NodeKeepsMountsAsync(SpecContext cri)
    {
        await using var host = new HostMounts(cri);
        host.Share();
        host.Tmpfs("sub");
        File.WriteAllText($"{host.Path}/sub/file", "");
        var pod = await cri.RunPodAsync();
        var slave = new Mount { ContainerPath = "/slave", HostPath = host.Path, Propagation = MountPropagation.PropagationHostToContainer };
        slave.MountOptions.Add("noexec");
        var shared = new Mount { ContainerPath = "/shared", HostPath = host.Path, Propagation = MountPropagation.PropagationBidirectional };
        shared.MountOptions.Add("noexec");
        var container = await pod.RunShellAsync("ls /recursive/sub/file /slave/sub/file /shared/sub/file /plain/sub/file", config =>
        {
            config.Mounts.Add(new Mount { ContainerPath = "/recursive", HostPath = host.Path, Readonly = true, RecursiveReadOnly = true });
            config.Mounts.Add(new Mount { ContainerPath = "/plain", HostPath = host.Path, Propagation = MountPropagation.PropagationBidirectional });
            config.Mounts.Add(slave);
            config.Mounts.Add(shared);
        });
        Check.Equal(0, (await container.WaitForExitAsync()).ExitCode);
        await container.RemoveAsync();
        Check.True(File.Exists($"{host.Path}/sub/file"), "the mount below the volume is still there");
        File.WriteAllText($"{host.Path}/sub/other", "");
    }

    private static async Task ImageAsync(SpecContext cri)
    {
        var image = await cri.PullAsync(cri.Settings.Nginx);
        var pod = await cri.RunPodAsync();
        var output = await pod.OutputAsync(
            "cat /image/usr/share/nginx/html/index.html | grep -c title; touch /image/new 2>/dev/null || echo refused; /image/bin/echo ran; grep ' /image ' /proc/mounts | cut -d' ' -f4",
            config => config.Mounts.Add(ImageMount(image)));
        var lines = output.Split('\n');
        Check.Equal("1 refused ran", string.Join(' ', lines[..3]));
        foreach (var option in new[] { "ro", "nosuid", "nodev" })
            Check.True(lines[3].Split(',').Contains(option), $"{option} in {lines[3]}");
    }

    private static async Task ImageLayersAsync(SpecContext cri)
    {
        var image = await cri.PullAsync(cri.Settings.TestImage("layers"));
        var pod = await cri.RunPodAsync();
        Check.Equal("0 1 2 4 5", (await pod.OutputAsync("ls /image/layers", config => config.Mounts.Add(ImageMount(image)))).ReplaceLineEndings(" "));
        var busybox = await cri.PullAsync(cri.Settings.Busybox);
        Check.Equal("busybox", await pod.OutputAsync("ls /one/bin | grep -x busybox", config => config.Mounts.Add(ImageMount(busybox, "/one"))));
    }

    private static async Task ImageSubPathAsync(SpecContext cri)
    {
        var image = await cri.PullAsync(cri.Settings.Nginx);
        var pod = await cri.RunPodAsync();
        var directory = ImageMount(image);
        directory.ImageSubPath = "usr/share/nginx";
        var file = ImageMount(image, "/page");
        file.ImageSubPath = "usr/share/nginx/html/index.html";
        var output = await pod.OutputAsync("ls /image; grep -c title /page; (echo x > /page) 2>/dev/null || echo refused", config => config.Mounts.Add([directory, file]));
        Check.Equal("html 1 refused", output.ReplaceLineEndings(" "));
    }

    private static async Task ImageSubPathInsideAsync(SpecContext cri)
    {
        var image = await cri.PullAsync(cri.Settings.TestImage("passwd-link"));
        var pod = await cri.RunPodAsync();
        foreach (var (path, code) in new[] { ("../etc", StatusCode.InvalidArgument), ("etc/../../root", StatusCode.InvalidArgument), ("etc/passwd", StatusCode.Unknown) })
        {
            var mount = ImageMount(image);
            mount.ImageSubPath = path;
            await Check.FailsAsync(code, () => pod.CreateShellAsync("true", config => config.Mounts.Add(mount)));
        }
    }

    private static async Task ImageMissingAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var missing = ImageMount($"{cri.Settings.Registry}/test/never-pulled:1");
        // The kubelet reads the prefix, and only where the code is Unknown.
        var status = await Check.FailsAsync(StatusCode.Unknown, () => pod.CreateShellAsync("true", config => config.Mounts.Add(missing)), "never-pulled");
        Check.True(status.Detail.StartsWith("ImageVolumeMountFailed", StringComparison.Ordinal), status.Detail);
        var path = ImageMount(await cri.PullAsync(cri.Settings.Busybox));
        path.ImageSubPath = "not/there";
        status = await Check.FailsAsync(StatusCode.Unknown, () => pod.CreateShellAsync("true", config => config.Mounts.Add(path)), "not/there");
        Check.True(status.Detail.StartsWith("ImageVolumeMountFailed", StringComparison.Ordinal), status.Detail);
    }

    private static async Task ImageRefusalsAsync(SpecContext cri)
    {
        var image = await cri.PullAsync(cri.Settings.Busybox);
        var pod = await cri.RunPodAsync();
        var writable = ImageMount(image);
        writable.Readonly = false;
        await Check.FailsAsync(StatusCode.InvalidArgument, () => pod.CreateShellAsync("true", config => config.Mounts.Add(writable)), "readonly");
        var both = ImageMount(image);
        both.HostPath = cri.Folder;
        await Check.FailsAsync(StatusCode.InvalidArgument, () => pod.CreateShellAsync("true", config => config.Mounts.Add(both)), "host_path");
        await Check.FailsAsync(
            StatusCode.InvalidArgument,
            () => pod.CreateShellAsync("true", config => config.Mounts.Add(new Mount { ContainerPath = "/data", HostPath = cri.Folder, ImageSubPath = "etc" })), "image_sub_path");
    }

    private static async Task ImageRemovedAsync(SpecContext cri)
    {
        var image = cri.Settings.TestImage("volume");
        await cri.PullAsync(image);
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000", config => config.Mounts.Add(ImageMount(image)));
        await cri.Images.RemoveImageAsync(new RemoveImageRequest { Image = new ImageSpec { Image = image } });
        Check.Equal("volume", await container.ShellAsync("cat /image/mark"));
        var told = (await container.StatusAsync()).Mounts.Single().Image;
        Check.Equal(image, told.Image);
        Check.True(told.ImageRef.StartsWith("sha256:", StringComparison.Ordinal), told.ImageRef);
    }

    private static async Task ImageStatusAsync(SpecContext cri)
    {
        var image = await cri.PullAsync(cri.Settings.Nginx);
        var id = (await cri.Images.ImageStatusAsync(new ImageStatusRequest { Image = new ImageSpec { Image = image } })).Image.Id;
        var pod = await cri.RunPodAsync();
        var mount = ImageMount(id);
        mount.Image.UserSpecifiedImage = image;
        mount.ImageSubPath = "etc";
        var container = await pod.CreateShellAsync("true", config => config.Mounts.Add(mount));
        var told = (await container.StatusAsync()).Mounts.Single();
        Check.Equal(id, told.Image.ImageRef);
        Check.Equal(id, told.Image.Image);
        Check.Equal(image, told.Image.UserSpecifiedImage);
        Check.Equal("etc", told.ImageSubPath);
        Check.Equal("", told.HostPath);
    }

    private static async Task RetryAsync(SpecContext cri)
    {
        var image = await cri.PullAsync(cri.Settings.Nginx);
        var pod = await cri.RunPodAsync();
        var config = pod.ContainerConfig(await cri.PullAsync(cri.Settings.Busybox), "sh", "-c", "ls /second");
        config.Mounts.Add(ImageMount(image, "/first"));
        config.Mounts.Add(new Mount { ContainerPath = "/second", HostPath = cri.Folder, Readonly = true, RecursiveReadOnly = true });
        config.Mounts.Add(ImageMount(image, "/third"));
        config.Mounts[2].ImageSubPath = "missing";
        await Check.FailsAsync(StatusCode.Unknown, () => pod.CreateAsync(config), "missing");
        config.Mounts.RemoveAt(2);
        var container = await pod.CreateAsync(config);
        await container.StartAsync();
        Check.Equal(0, (await container.WaitForExitAsync()).ExitCode);
    }

    private static Mount ImageMount(string image, string path = "/image") => new() { ContainerPath = path, Readonly = true, Image = new ImageSpec { Image = image } };

    /// <summary>A folder of the node with mounts below it, which are taken away at the end; the server is in this process's mount namespace.</summary>
    private sealed class HostMounts : IAsyncDisposable
    {
        private readonly List<string> _mounts = [];

        public HostMounts(SpecContext cri) =>
            Path = Directory.CreateDirectory(System.IO.Path.Combine(cri.Folder, cri.UniqueName("mounts"))).FullName;

        public string Path { get; }

        public void Tmpfs(string name, string options = "mode=755")
        {
            Directory.CreateDirectory($"{Path}/{name}");
            Mount("-t", "tmpfs", "-o", options, "none", $"{Path}/{name}");
            _mounts.Add($"{Path}/{name}");
        }

        /// <summary>Makes the folder a shared mount.</summary>
        public void Share() => Bind("--make-shared");

        public void MakePrivate() => Bind("--make-private");

        public ValueTask DisposeAsync()
        {
            foreach (var mount in Enumerable.Reverse(_mounts))
                Run("umount", "-l", mount);
            return ValueTask.CompletedTask;
        }

        private void Bind(string propagation)
        {
            Mount("--bind", Path, Path);
            _mounts.Add(Path);
            Mount(propagation, Path);
        }

        private static void Mount(params string[] arguments) => Run("mount", arguments);

        private static void Run(string program, params string[] arguments)
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Check.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {error}");
        }
    }
}
