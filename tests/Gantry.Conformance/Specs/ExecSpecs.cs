using System.Diagnostics;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>Commands in running containers, without streaming.</summary>
internal static class ExecSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("exec/output", "ExecSync returns both streams and the exit code", OutputAsync),
        new("exec/environment", "a command has the container's user, environment and directory", EnvironmentAsync),
        new("exec/time-out", "a command over its time is killed with its children, and the call is DeadlineExceeded", TimeOutAsync),
        new("exec/background-child", "a child that keeps the output open does not keep the call", BackgroundChildAsync),
        new("exec/large-output", "output is bounded at 16 MiB a stream, and the command ends", LargeOutputAsync),
        new("exec/missing-program", "a program that does not exist is an error or a code of 126 or 127", MissingProgramAsync),
        new("exec/not-running", "a command in a container that does not run is an error", NotRunningAsync),
        new("exec/unknown", "a command in a container that does not exist is NotFound", UnknownAsync),
        new("exec/parallel", "many commands at once in one container all answer", ParallelAsync),
        new("exec/no-zombies", "commands leave no zombies in the container", NoZombiesAsync),
        new("exec/no-command", "an empty command is refused", NoCommandAsync),
    ];

    private static async Task OutputAsync(SpecContext cri)
    {
        var container = await SleeperAsync(cri);
        var answer = await container.ExecAsync("sh", "-c", "echo out; echo err >&2; exit 9");
        Check.Equal("out\n", SpecContainer.Text(answer.Stdout));
        Check.Equal("err\n", SpecContainer.Text(answer.Stderr));
        Check.Equal(9, answer.ExitCode);
    }

    private static async Task EnvironmentAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000", config =>
        {
            config.Envs.Add(new Gantry.Cri.Api.KeyValue { Key = "MINE", Value = Google.Protobuf.ByteString.CopyFromUtf8("yes") });
            config.WorkingDir = "/tmp";
            config.Linux.SecurityContext.RunAsUser = new Gantry.Cri.Api.Int64Value { Value = 1000 };
        });
        Check.Equal("yes /tmp 1000", await container.ShellAsync("echo $MINE $(pwd) $(id -u)"));
    }

    private static async Task TimeOutAsync(SpecContext cri)
    {
        var container = await SleeperAsync(cri);
        var clock = Stopwatch.StartNew();
        await Check.FailsAsync(StatusCode.DeadlineExceeded, () => container.ExecAsync(1, "sh", "-c", "sleep 5151 & sleep 5151"));
        Check.True(clock.Elapsed < TimeSpan.FromSeconds(8), $"it took {clock.Elapsed}");
        await Check.EventuallyAsync(async () => !(await container.ShellAsync("ps")).Contains("5151", StringComparison.Ordinal), "its processes have ended", TimeSpan.FromSeconds(5));
    }

    private static async Task BackgroundChildAsync(SpecContext cri)
    {
        var container = await SleeperAsync(cri);
        var clock = Stopwatch.StartNew();
        var answer = await container.ExecAsync("sh", "-c", "sleep 100 & echo done");
        Check.Equal("done\n", SpecContainer.Text(answer.Stdout));
        Check.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"it took {clock.Elapsed}");
    }

    private static async Task LargeOutputAsync(SpecContext cri)
    {
        var container = await SleeperAsync(cri);
        var answer = await container.ExecAsync("sh", "-c", "head -c 7000000 /dev/zero | tr '\\0' x; exit 4");
        Check.Equal(7_000_000, answer.Stdout.Length);
        Check.Equal(4, answer.ExitCode);
    }

    private static async Task MissingProgramAsync(SpecContext cri)
    {
        var container = await SleeperAsync(cri);
        try
        {
            var answer = await container.ExecAsync("/no/such/program");
            Check.True(answer.ExitCode is 126 or 127, $"{answer.ExitCode}");
        }
        catch (RpcException e)
        {
            Check.Contains("/no/such/program", e.Status.Detail);
        }
    }

    private static async Task NotRunningAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        var created = await pod.CreateShellAsync("true");
        foreach (var _ in new[] { "created", "exited" })
        {
            try
            {
                await created.ExecAsync("true");
            }
            catch (RpcException e)
            {
                Check.True(e.StatusCode is StatusCode.FailedPrecondition or StatusCode.Unknown or StatusCode.NotFound, e.Status.ToString());
                if ((await created.StatusAsync()).State is Gantry.Cri.Api.ContainerState.ContainerExited)
                    return;
                await created.StartAsync();
                await created.WaitForExitAsync();
                continue;
            }
            throw new SpecFailedException("a command ran in a container that does not");
        }
    }

    private static Task UnknownAsync(SpecContext cri) => Check.FailsAsync(StatusCode.NotFound, async () =>
    {
        var request = new Gantry.Cri.Api.ExecSyncRequest { ContainerId = new string('0', 64) };
        request.Cmd.Add("true");
        await cri.Runtime.ExecSyncAsync(request);
    });

    private static async Task ParallelAsync(SpecContext cri)
    {
        var container = await SleeperAsync(cri);
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(n => container.ShellAsync($"echo {n}")));
        Check.Equal(string.Join(',', Enumerable.Range(0, 40)), string.Join(',', answers));
    }

    private static async Task NoZombiesAsync(SpecContext cri)
    {
        var container = await SleeperAsync(cri);
        for (var n = 0; n < 5; n++)
            await container.ShellAsync("true");
        Check.Equal("0", await container.ShellAsync("ps -o stat | grep -c ^Z || true"));
    }

    private static async Task NoCommandAsync(SpecContext cri)
    {
        var container = await SleeperAsync(cri);
        try
        {
            await container.ExecAsync();
        }
        catch (RpcException)
        {
            return;
        }
        throw new SpecFailedException("no command was run");
    }

    private static async Task<SpecContainer> SleeperAsync(SpecContext cri)
    {
        var pod = await cri.RunPodAsync();
        return await pod.RunShellAsync("trap exit TERM; while true; do sleep 1; done");
    }
}
