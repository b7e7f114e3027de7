using System.Diagnostics;
using Gantry.TestImages;
using Xunit;

[assembly: AssemblyFixture(typeof(Gantry.NodeTests.Harness.NodeNetwork))]
[assembly: CollectionBehavior(CollectionBehavior.CollectionPerClass, MaxParallelThreads = 3)]

namespace Gantry.NodeTests.Harness;

/// <summary>
/// A network namespace of this test run with a registry on its loopback: nothing that a test sends leaves it. The run
/// itself is in a mount namespace of its own (eng/in-node-namespace.sh), so that no mount outlives it.
/// </summary>
public sealed class NodeNetwork : IAsyncLifetime
{
    private readonly string _storage;
    private Process? _registry;

    public NodeNetwork()
    {
        Name = $"gantry-test-{Environment.ProcessId}";
        Directory = $"/var/tmp/{Name}";
        _storage = $"{Directory}/registry";
    }

    public string Name { get; }

    /// <summary>Where the run's nodes have their files: on a real file system, for overlay's sake.</summary>
    public string Directory { get; }

    public string NetnsPath => $"/run/netns/{Name}";

    /// <summary>Where the published programs are.</summary>
    public static string Programs => Environment.GetEnvironmentVariable("GANTRY_BIN")
        ?? throw new InvalidOperationException("GANTRY_BIN must name the folder of the published programs: run the tests by 'make test'");

    public async ValueTask InitializeAsync()
    {
        if (Environment.UserName != "root")
            Assert.Skip("node tests need root");
        System.IO.Directory.CreateDirectory(_storage);
        Shell.Run("ip", "netns", "add", Name);
        Shell.Run("ip", "-n", Name, "link", "set", "lo", "up");
        Inside("sysctl", "-qw", "net.ipv4.ip_forward=1");
        File.WriteAllText($"{_storage}/config.yml", $$"""
            version: 0.1
            log: { level: error }
            storage: { filesystem: { rootdirectory: {{_storage}}/data }, delete: { enabled: true } }
            http: { addr: "127.0.0.1:5000" }
            """);
        _registry = Start($"{_storage}/log", "docker-registry", "serve", $"{_storage}/config.yml");
        using var http = Http();
        await WaitForAsync(async () => (await http.GetAsync(new Uri("http://127.0.0.1:5000/v2/"))).IsSuccessStatusCode, TimeSpan.FromSeconds(20), "the registry");
        await DebianImages.PushAllAsync(new RegistryPusher(http, "127.0.0.1:5000"));
    }

    /// <summary>A client whose connections are made in the run's network namespace.</summary>
    public HttpClient Http() => new(new SocketsHttpHandler
    {
        ConnectCallback = (context, cancel) => new ValueTask<Stream>(NetnsConnection.Connect(NetnsPath, context.DnsEndPoint.Host, context.DnsEndPoint.Port)),
        PooledConnectionLifetime = TimeSpan.FromSeconds(1),
    });

    /// <summary>Runs a program in the run's network namespace.</summary>
    public string Inside(string program, params string[] arguments) => Shell.Run("nsenter", [$"--net={NetnsPath}", "--", program, .. arguments]);

    /// <summary>Starts a program in the run's network namespace, with its output in a file.</summary>
    public Process Start(string log, string program, params string[] arguments)
    {
        var quoted = string.Join(' ', new[] { program }.Concat(arguments).Select(word => $"'{word}'"));
        return Process.Start(new ProcessStartInfo("nsenter", [$"--net={NetnsPath}", "--", "sh", "-c", $"exec {quoted} >>'{log}' 2>&1 </dev/null"]))!;
    }

    public static async Task WaitForAsync(Func<Task<bool>> condition, TimeSpan limit, string what)
    {
        var until = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                if (await condition())
                    return;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or Grpc.Core.RpcException && until.Elapsed < limit)
            {
                // Not there yet.
            }
            if (until.Elapsed > limit)
                throw new TimeoutException($"{what} was not there within {limit.TotalSeconds} s");
            await Task.Delay(50);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_registry is not null)
        {
            _registry.Kill();
            await _registry.WaitForExitAsync();
            _registry.Dispose();
        }
        Shell.Try("ip", "netns", "delete", Name);
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
