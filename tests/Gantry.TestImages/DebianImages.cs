using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Gantry.TestImages;

/// <summary>Images made on the spot from the programs of this machine's Debian packages.</summary>
public static partial class DebianImages
{
    private const string PathVariable = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private const string Passwd = """
        root:x:0:0:root:/root:/bin/sh
        daemon:x:1:1:daemon:/usr/sbin:/bin/false
        www-data:x:33:33:www-data:/var/www:/bin/false
        app:x:1000:1000:app:/home/app:/bin/sh
        nobody:x:65534:65534:nobody:/:/bin/false

        """;

    private const string Group = """
        root:x:0:
        daemon:x:1:
        www-data:x:33:
        app:x:1000:
        extra:x:2000:app
        nogroup:x:65534:

        """;

    private const string NginxConf = """
        user www-data;
        worker_processes 1;
        pid /run/nginx.pid;
        error_log stderr warn;
        events { worker_connections 256; }
        http {
          include /etc/nginx/mime.types;
          access_log /dev/stdout;
          server { listen 80; server_name localhost; location / { root /usr/share/nginx/html; index index.html; } }
        }

        """;

    private const string Page = "<!DOCTYPE html>\n<html><head><title>Welcome to nginx!</title></head><body><h1>Welcome to nginx!</h1></body></html>\n";

    /// <summary>Pushes every image that tests and the first run need.</summary>
    public static async Task PushAllAsync(RegistryPusher registry)
    {
        var busybox = Busybox().Build();
        var shell = Config(("Cmd", new JsonArray("sh")));
        await registry.PushAsync("library/busybox", ["latest", "1.36"], [busybox], shell);
        await registry.PushAsync("library/nginx", ["latest", "1.19.10"], [busybox, Nginx().Build()], NginxConfig());
        await registry.PushAsync("test/user", ["latest"], [busybox], Config(("Cmd", new JsonArray("sh")), ("User", "app")));
        await registry.PushAsync(
            "test/entrypoint", ["latest"], [busybox],
            Config(("Entrypoint", new JsonArray("/bin/echo", "entry")), ("Cmd", new JsonArray("cmd")), ("WorkingDir", "/home/app"), ("StopSignal", "SIGUSR1")));
        // For runtimes that need an image for a pod's own process.
        await registry.PushAsync(
            "test/pause", ["latest"],
            [new LayerBuilder().File("catatonit", System.IO.File.ReadAllBytes("/usr/bin/catatonit"), 0b111_101_101).Build()],
            Config(("Entrypoint", new JsonArray("/catatonit", "-P"))));
        await registry.PushAsync("test/nocommand", ["latest"], [busybox], Config());
        var layers = new List<BuiltLayer> { busybox };
        for (var n = 0; n < 6; n++)
            layers.Add(new LayerBuilder().File($"layers/{n}", $"layer {n}\n").Build());
        layers.Add(new LayerBuilder().File("layers/.wh.3", "").Build());
        await registry.PushAsync("test/layers", ["latest"], layers, shell);
        await registry.PushAsync("test/user-number", ["latest"], [busybox], Config(("Cmd", new JsonArray("sh")), ("User", "1002")));
        // Each has a file of its own, so that no test meets another's image.
        foreach (var name in new[] { "removable", "concurrent", "volume" })
            await registry.PushAsync($"test/{name}", ["latest"], [busybox, Mark(name)], shell);
        foreach (var name in new[] { "names", "names-to-remove" })
            await registry.PushAsync($"test/{name}", ["1", "2"], [busybox, Mark(name)], shell);
        await registry.PushAsync("test/passwd-link", ["latest"], [busybox, new LayerBuilder().SymbolicLink("etc/passwd", "/proc/self/environ").Build()], shell);
        await registry.PushAsync("test/passwd-fifo", ["latest"], [busybox, new LayerBuilder().Fifo("etc/passwd").Build()], shell);
        await registry.PushAsync("test/passwd-huge", ["latest"], [busybox, new LayerBuilder().File("etc/passwd", new byte[20 << 20]).Build()], shell);
    }

    private static BuiltLayer Mark(string name) => new LayerBuilder().File("mark", name).Build();

    /// <summary>Debian's static busybox with its applets as hard links.</summary>
    public static LayerBuilder Busybox()
    {
        var path = System.IO.File.Exists("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox";
        var layer = new LayerBuilder();
        foreach (var directory in new[] { "dev", "etc", "home", "proc", "sys", "usr/bin", "usr/sbin", "var/www", "run" })
            layer.Directory(directory);
        layer.Directory("root", 0b111_000_000).Directory("tmp", 0b1_111_111_111).Directory("home/app", 0b111_101_101, 1000, 1000);
        layer.File("bin/busybox", System.IO.File.ReadAllBytes(path), 0b111_101_101);
        foreach (var applet in Output(path, "--list").Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(name => name is not "busybox"))
            layer.HardLink($"bin/{applet}", "bin/busybox");
        return layer.File("etc/passwd", Passwd).File("etc/group", Group);
    }

    /// <summary>Debian's nginx with the libraries that it is linked with.</summary>
    public static LayerBuilder Nginx()
    {
        const string Binary = "/usr/sbin/nginx";
        var layer = new LayerBuilder().File("usr/sbin/nginx", System.IO.File.ReadAllBytes(Binary), 0b111_101_101);
        foreach (Match match in Library().Matches(Output("ldd", Binary)))
            layer.File(match.Groups[1].Value.TrimStart('/'), System.IO.File.ReadAllBytes(match.Groups[1].Value), 0b111_101_101);
        layer.File("etc/nginx/mime.types", System.IO.File.ReadAllBytes("/etc/nginx/mime.types"));
        layer.File("etc/nginx/nginx.conf", NginxConf).File("usr/share/nginx/html/index.html", Page).Directory("var/log/nginx");
        foreach (var directory in new[] { "body", "proxy", "fastcgi", "uwsgi", "scgi" })
            layer.Directory($"var/lib/nginx/{directory}", 0b111_000_000, 33, 33);
        return layer;
    }

    private static JsonObject NginxConfig() => Config(
        ("Cmd", new JsonArray("nginx", "-g", "daemon off;")), ("StopSignal", "SIGQUIT"), ("ExposedPorts", new JsonObject { ["80/tcp"] = new JsonObject() }));

    private static JsonObject Config(params (string Name, JsonNode Value)[] values)
    {
        var config = new JsonObject { ["Env"] = new JsonArray(PathVariable) };
        foreach (var (name, value) in values)
            config[name] = value;
        return config;
    }

    private static string Output(string program, string argument)
    {
        using var process = Process.Start(new ProcessStartInfo(program, [argument]) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }

    [GeneratedRegex(@"(/\S+) \(0x")]
    private static partial Regex Library();
}
