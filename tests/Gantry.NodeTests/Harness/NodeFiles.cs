namespace Gantry.NodeTests.Harness;

/// <summary>A node's configuration: one network of its own, the run's registry as every registry's mirror, gated runtimes.</summary>
internal static class NodeFiles
{
    public static void Write(GantryNode node, string extraConfig)
    {
        var folder = node.Directory;
        Directory.CreateDirectory($"{folder}/cni");
        Directory.CreateDirectory($"{folder}/conf.d");
        Directory.CreateDirectory($"{folder}/certs.d/_default");
        node.Gates.Write();
        File.WriteAllText($"{folder}/certs.d/_default/hosts.toml", "[host.\"http://127.0.0.1:5000\"]\ncapabilities = [\"pull\", \"resolve\"]\n");
        // The same registry without anybody behind it: what it does not have, nobody has.
        Directory.CreateDirectory($"{folder}/certs.d/registry.test");
        File.WriteAllText($"{folder}/certs.d/registry.test/hosts.toml", "server = \"http://127.0.0.1:5000\"\n");
        File.WriteAllText($"{folder}/cni/10-test.conflist", Conflist(node));
        File.WriteAllText(node.ConfigFile, $"""
            root = "{node.Root}"
            state = "{node.State}"
            socket = "{node.Socket}"

            [runtime.handlers]
            gated = "{node.Gates.Runtime("crun")}"
            gated-runc = "{node.Gates.Runtime("runc")}"

            [cni]
            conf_dir = "{folder}/cni"
            bin_dirs = ["{node.Gates.Folder}", "/opt/cni/bin", "/usr/lib/cni"]

            [registry]
            certs_dirs = ["{folder}/certs.d"]

            [local_pods]
            log_dir = "{node.PodLogs}"
            """);
        if (extraConfig.Length > 0)
            File.WriteAllText($"{folder}/conf.d/10-test.toml", extraConfig);
    }

    /// <summary>A plugin that a test can hold up, then a bridge with addresses of the node's own, then ports.</summary>
    public static string Conflist(GantryNode node) => $$"""
        {
          "cniVersion": "1.0.0", "name": "test{{node.Number}}",
          "plugins": [
            { "type": "{{Gates.Plugin}}" },
            { "type": "bridge", "bridge": "gt{{node.Number}}", "isGateway": true, "ipMasq": true, "hairpinMode": true,
              "ipam": { "type": "host-local", "dataDir": "{{node.Directory}}/ipam", "ranges": [[{ "subnet": "10.{{100 + (node.Number % 100)}}.0.0/16" }]], "routes": [{ "dst": "0.0.0.0/0" }] } },
            { "type": "portmap", "capabilities": { "portMappings": true } }
          ]
        }
        """;
}
