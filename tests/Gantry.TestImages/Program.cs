using Gantry.TestImages;

if (args.Length is not (1 or 2) || (args.Length == 2 && args[1] != "--bench"))
{
    Console.Error.WriteLine("usage: Gantry.TestImages HOST:PORT [--bench]   pushes images made from Debian's packages, or those of the pull bench, to a registry, over http");
    return 2;
}
using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(5) };
var pusher = new RegistryPusher(http, args[0]);
if (args.Length == 2)
    await BenchImages.PushAllAsync(pusher);
else
    await DebianImages.PushAllAsync(pusher);
Console.WriteLine($"pushed to {args[0]}");
return 0;
