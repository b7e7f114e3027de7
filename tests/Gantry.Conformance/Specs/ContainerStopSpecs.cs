using System.Diagnostics;
using Gantry.Cri.Api;

namespace Gantry.Conformance.Specs;

/// <summary>How containers are ended.</summary>
internal static class ContainerStopSpecs
{
    private const string Traps = "for s in TERM USR1 HUP INT; do trap \"echo got $s; exit 3\" $s; done; echo ready; while true; do sleep 0.05; done";

    public static IReadOnlyList<Spec> All { get; } =
    [
        new("stop/term", "a stop sends SIGTERM first", TermAsync),
        new("stop/image-signal", "a stop sends the signal that the image names", ImageSignalAsync),
        new("stop/request-signal", "a stop sends the signal that the request names, before the image's", RequestSignalAsync),
        new("stop/grace", "a process that ignores the signal is killed when its grace is over", GraceAsync),
        new("stop/zero", "a grace of zero kills at once", ZeroAsync),
        new("stop/again", "a second stop succeeds, and the signal is sent once", AgainAsync),
        new("stop/shorter", "a second stop with a shorter grace shortens the first", ShorterAsync),
        new("stop/created", "a container that was never started can be stopped", CreatedAsync),
        new("stop/children", "processes that the container's process started end with it", ChildrenAsync),
        new("stop/forking", "a container that keeps forking is ended whole", ForkingAsync),
    ];

    private static async Task TermAsync(SpecContext cri) => Check.Equal("got TERM", await StopAndReadAsync(await TrapsAsync(cri), 20));

    private static async Task ImageSignalAsync(SpecContext cri)
    {
        var image = await cri.PullAsync(cri.Settings.TestImage("entrypoint"));
        var pod = await cri.RunPodAsync();
        var container = await pod.CreateAsync(pod.ContainerConfig(image, "sh", "-c", Traps));
        await container.StartAsync();
        await ReadyAsync(container);
        Check.Equal("got USR1", await StopAndReadAsync(container, 20));
    }

    private static async Task RequestSignalAsync(SpecContext cri)
    {
        var image = await cri.PullAsync(cri.Settings.TestImage("entrypoint"));
        var pod = await cri.RunPodAsync();
        var config = pod.ContainerConfig(image, "sh", "-c", Traps);
        config.StopSignal = Signal.Sighup;
        var container = await pod.CreateAsync(config);
        await container.StartAsync();
        await ReadyAsync(container);
        Check.Equal(Signal.Sighup, (await container.StatusAsync()).StopSignal);
        Check.Equal("got HUP", await StopAndReadAsync(container, 20));
    }

    private static async Task GraceAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("trap '' TERM; echo ready; while true; do sleep 0.05; done");
        await ReadyAsync(container);
        var clock = Stopwatch.StartNew();
        await container.StopAsync(2);
        Check.True(clock.Elapsed > TimeSpan.FromSeconds(1.9) && clock.Elapsed < TimeSpan.FromSeconds(10), $"it took {clock.Elapsed}");
        Check.Equal(137, (await container.StatusAsync()).ExitCode);
    }

    private static async Task ZeroAsync(SpecContext cri)
    {
        var container = await TrapsAsync(cri);
        await container.StopAsync();
        Check.Equal(137, (await container.StatusAsync()).ExitCode);
        Check.True(!container.ReadLog("stdout").Contains("got", StringComparison.Ordinal));
    }

    private static async Task AgainAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("trap 'echo got' TERM; trap 'exit 5' USR2; echo ready; while true; do sleep 0.05; done");
        await ReadyAsync(container);
        var first = container.StopAsync(4);
        await Task.Delay(500);
        var second = container.StopAsync(4);
        await Task.WhenAll(first, second);
        Check.Equal(1, container.ReadLog("stdout").Split('\n').Count(line => line == "got"));
        await container.StopAsync(4);
    }

    private static async Task ShorterAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("trap '' TERM; echo ready; while true; do sleep 0.05; done");
        await ReadyAsync(container);
        var clock = Stopwatch.StartNew();
        var first = container.StopAsync(60);
        await Task.Delay(300);
        await container.StopAsync(1);
        await first;
        Check.True(clock.Elapsed < TimeSpan.FromSeconds(15), $"it took {clock.Elapsed}");
    }

    private static async Task CreatedAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.CreateShellAsync("true");
        await container.StopAsync(5);
        await container.RemoveAsync();
    }

    private static async Task ChildrenAsync(SpecContext cri)
    {
        var mark = Random.Shared.Next(100_000, 999_999);
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync($"setsid sleep {mark} & (sleep {mark} &) ; echo ready; sleep {mark}");
        await ReadyAsync(container);
        await Check.EventuallyAsync(() => Task.FromResult(CountOf(mark) >= 3), "its children run");
        await container.StopAsync();
        await Check.EventuallyAsync(() => Task.FromResult(CountOf(mark) == 0), "its children have ended", TimeSpan.FromSeconds(5));
    }

    private static async Task ForkingAsync(SpecContext cri)
    {
        var mark = Random.Shared.Next(100_000, 999_999);
        var pod = await cri.RunPodAsync(config => config.Linux.SecurityContext.NamespaceOptions.Pid = NamespaceMode.Pod);
        var container = await pod.RunShellAsync($"echo ready; while true; do (sleep {mark} &); sleep 0.01; done");
        await ReadyAsync(container);
        await Check.EventuallyAsync(() => Task.FromResult(CountOf(mark) > 5), "it forks");
        await container.RemoveAsync();
        await Check.EventuallyAsync(() => Task.FromResult(CountOf(mark) == 0), "every process of it has ended", TimeSpan.FromSeconds(5));
    }

    private static async Task<SpecContainer> TrapsAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync(Traps);
        await ReadyAsync(container);
        return container;
    }

    private static Task ReadyAsync(SpecContainer container) =>
        Check.EventuallyAsync(() => Task.FromResult(container.ReadLog("stdout").Contains("ready", StringComparison.Ordinal)), "the process is ready");

    private static async Task<string> StopAndReadAsync(SpecContainer container, long grace)
    {
        await container.StopAsync(grace);
        Check.Equal(3, (await container.StatusAsync()).ExitCode);
        return container.ReadLog("stdout").Replace("ready\n", "", StringComparison.Ordinal).TrimEnd('\n');
    }

    /// <summary>Processes of this machine whose command line has the number in it.</summary>
    private static int CountOf(int mark)
    {
        var count = 0;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            try
            {
                if (char.IsAsciiDigit(Path.GetFileName(folder)[0]) && File.ReadAllText($"{folder}/cmdline") == $"sleep\0{mark}\0")
                    count++;
            }
            catch (IOException)
            {
                // It has ended.
            }
        }
        return count;
    }
}
