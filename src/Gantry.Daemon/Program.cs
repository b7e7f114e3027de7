using System.Runtime.InteropServices;
using Gantry;
using Gantry.Configuration;
using Gantry.Cri;
using Gantry.Cri.Methods;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux.Processes;
using Gantry.Observability;
using Gantry.Serving;
using Gantry.Sharing;

var options = DaemonOptions.Parse(args);
if (options.Answer is { } answer)
{
    Console.Out.WriteLine(answer);
    return options.ExitCode;
}
GantryConfig config;
try
{
    config = options.Apply(ConfigFile.Load(options.ConfigPath));
}
catch (InvalidRequestException e)
{
    await Console.Error.WriteLineAsync($"gantryd: {e.Message}");
    return 2;
}
if (options.PrintConfig)
{
    Console.Out.Write(ConfigDump.Of(config));
    return 0;
}
if (!NativeLibrary.TryLoad("libssl.so.3", out _) && !NativeLibrary.TryLoad("libssl.so.1.1", out _))
{
    // The framework ends the process where it first needs a digest or TLS and finds none: better to say so at the start.
    await Console.Error.WriteLineAsync("gantryd: OpenSSL (libssl.so.3) is not on this machine; install it: apt-get install libssl3");
    return 1;
}
var log = new LineLog(LineLog.Parse(config.LogLevel), TimeProvider.System);
using var claim = NodeClaim.Take(config, out var problem);
if (claim is null)
{
    await Console.Error.WriteLineAsync($"gantryd: {problem}");
    return 1;
}
// Before any program is started: this daemon is the parent of the processes that an exec leaves to it.
ChildReaper.Begin();
var node = new Composition(config, log);

using var signals = new TerminationSignals();
await using var server = CriSocket.ServerFor(config.Socket, new GrpcCalls(node, log, signals.Ending));

// Before the CRI's socket: whoever asks for a stream is told where it is.
try
{
    await node.Streaming.StartAsync();
}
catch (InvalidRequestException e)
{
    await Console.Error.WriteLineAsync($"gantryd: {e.Message}");
    return 1;
}
await server.StartAsync();
claim.Opened();
log.Listening(config.Socket);
using var stopping = new CancellationTokenSource();
var (exits, trimming, care) = (Task.CompletedTask, Task.CompletedTask, Task.CompletedTask);
try
{
    if (config.CniInstallDefault && config.CniConfTemplate.Length == 0 && Gantry.Networking.DefaultConflist.InstallIfNone(config.CniConfDirectory, config.CniDefaultSubnet))
        log.DefaultNetworkInstalled(config.CniConfDirectory);
    await node.Images.OpenAsync();
    exits = node.Exits.RunAsync(node.Monitors, exit => node.PodLost(PodId.Parse(exit.Id.Value)), stopping.Token);
    await node.Recovery.RunAsync(stopping.Token);
    node.Local.Resume();
    node.IsRecovered = true;
    trimming = new MemoryTrimmer(TimeProvider.System).RunAsync(stopping.Token);
    care = node.ImageCare.RunAsync(stopping.Token);
    await using var share = await ShareServer.StartAsync(config.Registry, node.Images);
    await signals.Asked;
    node.Events.Close();
    await server.StopAsync(CriSocket.StopLimit);
}
finally
{
    await stopping.CancelAsync();
    await node.Streaming.DisposeAsync();
    await node.Local.DisposeAsync();
    await Task.WhenAll(exits, trimming, care, node.Cleanup.Rest).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
return 0;
