using System.Text.Json.Nodes;
using Gantry.Persistence;

namespace Gantry.Networking;

/// <summary>The network of a node that nobody gave one: a bridge with addresses of its own, and port mappings.</summary>
public static class DefaultConflist
{
    public const string FileName = "10-gantry.conflist";

    /// <summary>Writes the default where the directory has no configuration at all.</summary>
    /// <returns>Whether it was written.</returns>
    public static bool InstallIfNone(string directory, string subnet)
    {
        Directory.CreateDirectory(directory);
        if (Directory.EnumerateFiles(directory).Any(file => Path.GetExtension(file) is ".conflist" or ".conf" or ".json"))
            return false;
        AtomicFile.Write(Path.Combine(directory, FileName), Text(subnet), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        return true;
    }

    internal static string Text(string subnet) => $$"""
        {
          "cniVersion": "1.0.0",
          "name": "gantry",
          "plugins": [
            {
              "type": "bridge", "bridge": "gantry0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
              "ipam": { "type": "host-local", "ranges": [[{ "subnet": {{JsonValue.Create(subnet).ToJsonString()}} }]], "routes": [{ "dst": "0.0.0.0/0" }] }
            },
            { "type": "portmap", "capabilities": { "portMappings": true } }
          ]
        }

        """;
}
