using Gantry.TestImages;

if (args is not [var registry])
{
    Console.Error.WriteLine("usage: Gantry.TestImages HOST:PORT   pushes images made from Debian's packages to a registry, over http");
    return 2;
}
using var http = new HttpClient();
await DebianImages.PushAllAsync(new RegistryPusher(http, registry));
Console.WriteLine($"pushed to {registry}");
return 0;
