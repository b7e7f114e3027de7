using Gantry.Cri.Api;
using Google.Protobuf;

namespace Gantry.Conformance.Specs;

/// <summary>What a container's process runs, and where.</summary>
internal static class ContainerProcessSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("process/image-command", "without a command, the image's entrypoint runs with the image's arguments", ImageCommandAsync),
        new("process/arguments", "arguments alone keep the image's entrypoint and replace its arguments", ArgumentsAsync),
        new("process/command", "a command replaces the image's entrypoint and drops its arguments", CommandAsync),
        new("process/environment", "the request's variables override the image's, byte for byte", EnvironmentAsync),
        new("process/home", "HOME is the user's of the image's passwd", HomeAsync),
        new("process/working-directory", "the working directory is the request's, or else the image's, and is made where it is missing", WorkingDirectoryAsync),
        new("process/no-descriptors", "a container's process has no open file but its three streams", DescriptorsAsync),
        new("process/own-pid", "with a PID namespace of its own, the container's process is number 1", OwnPidAsync),
        new("process/pod-pid", "the containers of a pod that shares its PID namespace see each other", PodPidAsync),
        new("process/host-pid", "a container in the host's PID namespace sees the host's processes", HostPidAsync),
        new("process/target-pid", "a container can join another one's PID namespace", TargetPidAsync),
        new("process/tty", "a container with a terminal has one, and its output is in the log", TerminalAsync),
        new("process/stdin-null", "without stdin, reading ends at once", NoInputAsync),
        new("process/cgroup", "a container's cgroup is below its pod's, and its last element holds its id", CgroupAsync),
    ];

    private static async Task ImageCommandAsync(SpecContext cri) => Check.Equal("entry cmd", await OutputOfAsync(cri, "entrypoint", _ => { }));

    private static async Task ArgumentsAsync(SpecContext cri) =>
        Check.Equal("entry other words", await OutputOfAsync(cri, "entrypoint", config => config.Args.Add(["other", "words"])));

    private static async Task CommandAsync(SpecContext cri) =>
        Check.Equal("mine", await OutputOfAsync(cri, "entrypoint", config => config.Command.Add(["/bin/echo", "mine"])));

    private static async Task EnvironmentAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var output = await pod.OutputAsync("echo $ONE-$PATH; printf %s \"$RAW\" | od -An -tx1", config =>
        {
            config.Envs.Add(new KeyValue { Key = "ONE", Value = ByteString.CopyFromUtf8("a b=c") });
            config.Envs.Add(new KeyValue { Key = "PATH", Value = ByteString.CopyFromUtf8("/bin:/mine") });
            config.Envs.Add(new KeyValue { Key = "RAW", Value = ByteString.CopyFromUtf8("ü✓") });
        });
        Check.Equal("a b=c-/bin:/mine\n c3 bc e2 9c 93", output);
    }

    private static async Task HomeAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        Check.Equal("/root", await pod.OutputAsync("echo $HOME"));
        Check.Equal("/home/app", await pod.OutputAsync("echo $HOME", config => config.Linux.SecurityContext.RunAsUser = new Int64Value { Value = 1000 }));
        Check.Equal("/else", await pod.OutputAsync("echo $HOME", config => config.Envs.Add(new KeyValue { Key = "HOME", Value = ByteString.CopyFromUtf8("/else") })));
    }

    private static async Task WorkingDirectoryAsync(SpecContext cri)
    {
        Check.Equal("/home/app", await OutputOfAsync(cri, "entrypoint", config => config.Command.Add("pwd")));
        Check.Equal("/tmp", await OutputOfAsync(cri, "entrypoint", config =>
        {
            config.Command.Add("pwd");
            config.WorkingDir = "/tmp";
        }));
        Check.Equal("/made/for/it", await OutputOfAsync(cri, "entrypoint", config =>
        {
            config.Command.Add("pwd");
            config.WorkingDir = "/made/for/it";
        }));
    }

    private static async Task DescriptorsAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        // 3 is ls's own, by which it reads the directory.
        Check.Equal("0 1 2 3", (await pod.OutputAsync("ls /proc/self/fd")).ReplaceLineEndings(" "));
        var container = await pod.RunShellAsync("sleep 1000");
        Check.Equal("0 1 2 3", (await container.ShellAsync("ls /proc/self/fd")).ReplaceLineEndings(" "));
    }

    private static async Task OwnPidAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        Check.Equal("1", await pod.OutputAsync("echo $$"));
    }

    private static async Task PodPidAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync(config => config.Linux.SecurityContext.NamespaceOptions.Pid = NamespaceMode.Pod);
        await pod.RunShellAsync("exec sleep 4242");
        var others = await pod.OutputAsync("ps");
        Check.Contains("sleep 4242", others);
    }

    private static async Task HostPidAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync(config => config.Linux.SecurityContext.NamespaceOptions.Pid = NamespaceMode.Node);
        var container = await pod.RunShellAsync("exec sleep 1000");
        Check.Equal(new FileInfo("/proc/self/ns/pid").LinkTarget, await container.ShellAsync("readlink /proc/self/ns/pid"));
    }

    private static async Task TargetPidAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var target = await pod.RunShellAsync("exec sleep 4343");
        var debugger = await pod.RunShellAsync("exec sleep 1000", config =>
        {
            config.Linux.SecurityContext.NamespaceOptions.Pid = NamespaceMode.Target;
            config.Linux.SecurityContext.NamespaceOptions.TargetId = target.Id;
        });
        Check.Contains("sleep 4343", await debugger.ShellAsync("ps"));
    }

    private static async Task TerminalAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("tty; echo err >&2", config =>
        {
            config.Tty = true;
            config.Stdin = true;
        });
        await container.WaitForExitAsync();
        Check.Equal("/dev/pts/0 err", container.ReadLog("stdout").Replace("\r", "", StringComparison.Ordinal).TrimEnd().ReplaceLineEndings(" "));
        Check.Equal("", container.ReadLog("stderr"));
    }

    private static async Task NoInputAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        Check.Equal("ended", await pod.OutputAsync("cat; echo ended"));
    }

    private static async Task CgroupAsync(SpecContext cri)
    {
        if (cri.Settings.HasCgroupV2 || cri.Settings.CgroupParent.Length == 0)
            SpecContext.Skip("reads cgroup v1 paths below a given parent from inside the container");
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000");
        var path = (await container.ShellAsync("cat /proc/1/cgroup")).Split('\n').First(line => line.Contains(":memory:", StringComparison.Ordinal)).Split(':')[2];
        Check.Contains(container.Id, path.Split('/')[^1]);
        Check.True(Directory.Exists($"/sys/fs/cgroup/memory{cri.Settings.CgroupParent}/{path.Split('/')[^1]}") || path.Contains(cri.Settings.CgroupParent, StringComparison.Ordinal), path);
    }

    private static async Task<string> OutputOfAsync(SpecContext cri, string testImage, Action<ContainerConfig> change)
    {
        var image = await cri.PullAsync(cri.Settings.TestImage(testImage));
        var pod = await cri.RunPodAsync();
        var config = pod.ContainerConfig(image);
        change(config);
        var container = await pod.CreateAsync(config);
        await container.StartAsync();
        await container.WaitForExitAsync();
        return container.ReadLog("stdout").TrimEnd('\n');
    }
}
