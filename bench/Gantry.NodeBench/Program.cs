using Gantry.Cri.Api;
using Gantry.NodeBench;

// usage: Gantry.NodeBench [--image REF] [--pods N] [--rounds N] [--many N] [--churn CONTAINERS [--seconds N]] [--start COMMAND,SOCKET] NAME=SOCKET[,PID]...
// Measures each server in turn, round by round, so that the machine's moods fall on all alike. Nothing here fails on a time.
var image = "docker.io/library/busybox:1.36";
var (count, rounds, many, churn, seconds) = (20, 3, 0, 0, 30);
var start = Array.Empty<string>();
var peers = new List<Peer>();
for (var n = 0; n < args.Length; n++)
{
    switch (args[n])
    {
        case "--image":
            image = args[++n];
            break;
        case "--pods":
            count = int.Parse(args[++n]);
            break;
        case "--rounds":
            rounds = int.Parse(args[++n]);
            break;
        case "--many":
            many = int.Parse(args[++n]);
            break;
        case "--churn":
            churn = int.Parse(args[++n]);
            break;
        case "--seconds":
            seconds = int.Parse(args[++n]);
            break;
        case "--start":
            start = args[++n].Split(',');
            break;
        default:
            peers.Add(Peer.Parse(args[n]));
            break;
    }
}
// First: what the pods leave to be done would be in its way.
if (start.Length == 2)
{
    var samples = new Samples();
    await new StartScenario(start[0], start[1]).RunAsync(samples);
    Samples.Print("start of gantryd, nothing to recover: milliseconds, median / 99th percentile", [("gantry", samples)]);
}
var all = peers.ConvertAll(peer => (peer, pods: new PodScenario(peer, image), samples: new Samples(), crowd: new Samples(), lists: new Samples()));
foreach (var (peer, pods, _, _, _) in all)
{
    await pods.PrepareAsync();
    // Once, unmeasured: caches, bridges and lazily loaded code.
    await pods.RunAsync(new Samples());
    Console.WriteLine($"{peer.Name}: {(await peer.Cri.Runtime.VersionAsync(new VersionRequest())).RuntimeVersion}");
}
for (var round = 0; round < rounds; round++)
{
    foreach (var (_, pods, samples, _, _) in all)
    {
        for (var n = 0; n < count; n++)
            await pods.RunAsync(samples);
    }
}
if (count * rounds > 0)
    Samples.Print($"one pod at a time, {count * rounds} of each, CNI: milliseconds, median / 99th percentile", [.. all.Select(one => (one.peer.Name, one.samples))]);
if (many > 0)
{
    foreach (var (peer, pods, _, crowd, _) in all)
        await new ManyPodsScenario(peer, pods, many).RunAsync(crowd);
    Samples.Print($"{many} pods: milliseconds, median / 99th percentile", [.. all.Select(one => (one.peer.Name, one.crowd))]);
}
if (churn > 0)
{
    foreach (var (peer, _, _, _, lists) in all)
        await new ChurnScenario(peer, image, churn, TimeSpan.FromSeconds(seconds)).RunAsync(lists);
    Samples.Print($"{churn} containers run, pods come and go: milliseconds, median / 99th percentile", [.. all.Select(one => (one.peer.Name, one.lists))]);
}
foreach (var (peer, _, _, _, _) in all)
    peer.Dispose();
if (Directory.Exists("/var/tmp/gantry-bench-logs"))
    Directory.Delete("/var/tmp/gantry-bench-logs", recursive: true);
return 0;
