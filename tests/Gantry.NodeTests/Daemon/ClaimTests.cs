using System.Net.Sockets;
using Gantry.Cri.Api;
using Gantry.NodeTests.Harness;
using Xunit;

namespace Gantry.NodeTests.Daemon;

/// <summary>One daemon a root, a socket that nobody else serves, and nothing that others than root can open.</summary>
public sealed class ClaimTests(NodeNetwork network)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    [Fact]
    public async Task Start_SocketAndDirectories_AreForRootAlone()
    {
        await using var node = await GantryNode.StartAsync(network, prepare: prepared =>
        {
            // As an earlier version, or somebody's mkdir, may have left them.
            Directory.CreateDirectory(prepared.State);
            Directory.CreateDirectory(prepared.Root);
            File.SetUnixFileMode(prepared.State, (UnixFileMode)0b111_101_101);
            File.SetUnixFileMode(prepared.Root, (UnixFileMode)0b111_101_101);
        });

        Assert.Equal(Private, File.GetUnixFileMode(node.State));
        Assert.Equal(Private, File.GetUnixFileMode(node.Root));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(node.Socket));
        // What is made later gets ordinary modes again: containers' users read some of it.
        Assert.Contains("Umask:\t0022", File.ReadAllText($"/proc/{node.DaemonPid}/status"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_Socket_IsNotOpenToOthersForAMoment()
    {
        await using var node = GantryNode.Prepare(network);
        var seen = new HashSet<UnixFileMode>();
        using var end = new CancellationTokenSource();
        var watching = Task.Run(() =>
        {
            while (!end.IsCancellationRequested)
            {
                if (File.Exists(node.Socket))
                    seen.Add(File.GetUnixFileMode(node.Socket));
            }
        });

        await node.StartDaemonAsync();
        await end.CancelAsync();
        await watching;

        Assert.NotEmpty(seen);
        Assert.All(seen, mode => Assert.Equal(UnixFileMode.None, mode & ~Private));
    }

    [Fact]
    public async Task Start_SocketOfADeadServer_IsReplaced()
    {
        await using var node = await GantryNode.StartAsync(network, prepare: prepared =>
        {
            Directory.CreateDirectory(prepared.State);
            using var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            dead.Bind(new UnixDomainSocketEndPoint(prepared.Socket));
            dead.Listen();
            // Closed by .NET it would be unlinked; a killed server leaves it.
            File.Move(prepared.Socket, prepared.Socket + ".kept");
            dead.Dispose();
            File.Move(prepared.Socket + ".kept", prepared.Socket);
        });

        Assert.Equal("gantry", (await node.Runtime.VersionAsync(new VersionRequest())).RuntimeName);
    }

    [Fact]
    public async Task Start_AfterSigkill_TakesItsOwnSocketAgain()
    {
        await using var node = await GantryNode.StartAsync(network);

        await node.RestartDaemonAsync();

        Assert.Equal("gantry", (await node.Runtime.VersionAsync(new VersionRequest())).RuntimeName);
    }

    [Fact]
    public async Task Start_SecondDaemonOfOneRoot_IsRefusedAndTheFirstGoesOn()
    {
        await using var node = await GantryNode.StartAsync(network);

        var (code, output) = node.RunDaemon("--config", node.ConfigFile, "--socket", $"{node.Directory}/other.sock");

        Assert.Equal(1, code);
        Assert.Contains($"another gantryd has {node.Root}", output, StringComparison.Ordinal);
        Assert.Contains("--root", output, StringComparison.Ordinal);
        Assert.False(File.Exists($"{node.Directory}/other.sock"));
        await node.Runtime.StatusAsync(new StatusRequest());
    }

    [Fact]
    public async Task Start_SecondDaemonOnOneSocket_IsRefusedAndTheFirstGoesOn()
    {
        await using var node = await GantryNode.StartAsync(network);

        var (code, output) = node.RunDaemon("--config", node.ConfigFile, "--root", $"{node.Directory}/root2", "--state", $"{node.Directory}/state2");

        Assert.Equal(1, code);
        Assert.Contains($"another server answers on {node.Socket}", output, StringComparison.Ordinal);
        await node.Runtime.StatusAsync(new StatusRequest());
    }

    [Fact]
    public async Task Start_FileInTheSocketsPlace_IsRefusedAndKept()
    {
        await using var node = GantryNode.Prepare(network);
        Directory.CreateDirectory(node.State);
        await File.WriteAllTextAsync(node.Socket, "somebody's");

        var (code, output) = node.RunDaemon("--config", node.ConfigFile);

        Assert.Equal(1, code);
        Assert.Contains("is no socket: remove it", output, StringComparison.Ordinal);
        Assert.Equal("somebody's", await File.ReadAllTextAsync(node.Socket));
        File.Delete(node.Socket);
    }

    [Fact]
    public async Task Start_PathTooLongForASocket_IsSaid()
    {
        await using var node = GantryNode.Prepare(network);

        var (code, output) = node.RunDaemon("--config", node.ConfigFile, "--socket", $"{node.Directory}/{new string('x', 100)}.sock");

        Assert.Equal(1, code);
        Assert.Contains("107 bytes", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_RootThatCannotBeMade_IsSaid()
    {
        await using var node = GantryNode.Prepare(network);
        await File.WriteAllTextAsync($"{node.Directory}/file", "");

        var (code, output) = node.RunDaemon("--config", node.ConfigFile, "--root", $"{node.Directory}/file/root");

        Assert.Equal(1, code);
        Assert.StartsWith("gantryd: ", output, StringComparison.Ordinal);
        Assert.Contains($"{node.Directory}/file", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sigterm_PodsRun_TheyGoOnAndTheExitCodeIsZero()
    {
        await using var node = await GantryNode.StartAsync(network);
        await using var context = node.Context();
        var pod = await context.RunPodAsync();
        var container = await pod.RunShellAsync("sleep 1000");

        Assert.Equal(0, await node.StopDaemonAsync());
        await node.StartDaemonAsync();

        Assert.Equal(ContainerState.ContainerRunning, (await container.StatusAsync()).State);
    }
}
