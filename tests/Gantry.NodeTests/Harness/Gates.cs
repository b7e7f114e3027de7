using System.Globalization;

namespace Gantry.NodeTests.Harness;

/// <summary>
/// Real programs behind gates: a CNI plugin that stands before the bridge, and OCI runtimes that are crun and runc. A gate
/// that is closed holds the call of that name up until it is opened or killed; a broken one makes it fail.
/// </summary>
public sealed class Gates(string folder)
{
    /// <summary>The plugin's name; its gates are "ADD" and "DEL".</summary>
    public const string Plugin = "test-gate";

    public string Folder { get; } = folder;

    /// <summary>The path of a gated runtime; its gates are "create", "start", "kill", "delete", "exec", "state" and "update".</summary>
    public string Runtime(string name) => $"{Folder}/gated-{name}";

    /// <summary>Calls of that name hang from now on.</summary>
    public void Close(string gate) => File.WriteAllText($"{Folder}/{gate}.closed", "");

    /// <summary>Calls of that name fail from now on.</summary>
    public void Break(string gate) => File.WriteAllText($"{Folder}/{gate}.broken", "");

    /// <summary>Calls of that name go through; those that are held up go on.</summary>
    public void Open(string gate)
    {
        File.Delete($"{Folder}/{gate}.closed");
        File.Delete($"{Folder}/{gate}.broken");
    }

    public void OpenAll()
    {
        foreach (var file in Directory.EnumerateFiles(Folder).Where(file => file.EndsWith(".closed", StringComparison.Ordinal) || file.EndsWith(".broken", StringComparison.Ordinal)))
            File.Delete(file);
    }

    /// <summary>How many calls of that name have come to their gate.</summary>
    public int Arrivals(string gate) => File.Exists($"{Folder}/{gate}.arrivals") ? File.ReadAllLines($"{Folder}/{gate}.arrivals").Length : 0;

    public Task WaitForArrivalAsync(string gate, int count = 1) =>
        NodeNetwork.WaitForAsync(() => Task.FromResult(Arrivals(gate) >= count), TimeSpan.FromSeconds(30), string.Create(CultureInfo.InvariantCulture, $"call {count} at gate {gate}"));

    internal void Write()
    {
        Directory.CreateDirectory(Folder);
        Shell.WriteScript($"{Folder}/{Plugin}", $$"""
            #!/bin/sh
            gates={{Folder}}
            gate=$CNI_COMMAND
            cat > /dev/null
            echo $$ >> $gates/$gate.arrivals
            while [ -e $gates/$gate.closed ]; do sleep 0.05; done
            if [ -e $gates/$gate.broken ]; then echo '{"cniVersion":"1.0.0","code":100,"msg":"the gate is broken"}'; exit 1; fi
            if [ $gate = ADD ]; then echo '{"cniVersion":"1.0.0","interfaces":[],"ips":[]}'; fi
            """);
        foreach (var (name, path) in new[] { ("crun", "/usr/bin/crun"), ("runc", "/usr/sbin/runc") })
        {
            Shell.WriteScript(Runtime(name), $$"""
                #!/bin/sh
                gates={{Folder}}
                for word in "$@"; do
                  case $word in create|start|kill|delete|exec|state|update) gate=$word; break ;; esac
                done
                echo $$ >> $gates/$gate.arrivals
                while [ -e $gates/$gate.closed ]; do sleep 0.05; done
                if [ -e $gates/$gate.broken ]; then echo "the gate is broken" >&2; exit 1; fi
                exec {{path}} "$@"
                """);
        }
    }
}
