using System.Text;
using System.Text.Json;
using Gantry.Faults;
using Gantry.Linux.Processes;

namespace Gantry.Images.Registry.Access;

/// <summary>
/// Runs docker-credential-NAME get, with the server's name on its standard input (docker-credential-helpers, README). The
/// secret passes by pipes alone: never in arguments, never in a message.
/// </summary>
internal sealed class CredentialProgram(IReadOnlyList<string> folders)
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(10);

    /// <summary>The credentials; null where the helper has none for that server.</summary>
    /// <exception cref="WrongStateException">The helper is missing, failed or answered nonsense; names it.</exception>
    public async Task<RegistryCredentials?> AskAsync(string name, string server, string file, CancellationToken cancel)
    {
        if (name.Length is 0 or > 64 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            throw new WrongStateException($"registry credentials in {file}: the helper's name is not valid");
        var program = folders.Select(folder => Path.Combine(folder, $"docker-credential-{name}")).FirstOrDefault(File.Exists)
            ?? throw new WrongStateException($"registry credentials in {file}: docker-credential-{name} is in none of {string.Join(", ", folders)}; install it");
        // Docker Hub's name in helpers is as old as the first registry.
        var asked = server == "docker.io" ? "https://index.docker.io/v1/" : server.Split('/')[0];
        var result = await ToolRunner.RunAsync(new ToolRequest(program, ["get"]) { StandardInput = Encoding.UTF8.GetBytes(asked), Timeout = _timeout, MaxOutputBytes = 64 << 10 }, cancel);
        if (result.ExitCode != 0)
        {
            // The helpers' protocol says this on standard output, with a failing status.
            if (Encoding.UTF8.GetString(result.Output).Contains("credentials not found", StringComparison.Ordinal))
                return null;
            throw new WrongStateException($"{program} {(result.TimedOut ? $"gave no answer within {_timeout.TotalSeconds:0} s" : $"failed with exit code {result.ExitCode}")} for {asked}");
        }
        return Parse(result.Output, program);
    }

    private static RegistryCredentials Parse(byte[] output, string program)
    {
        try
        {
            using var json = JsonDocument.Parse(output, new JsonDocumentOptions { MaxDepth = 8 });
            var user = json.RootElement.GetProperty("Username").GetString() ?? "";
            var secret = json.RootElement.GetProperty("Secret").GetString() ?? "";
            return user == "<token>" ? new RegistryCredentials("", "", secret, "", program) : new RegistryCredentials(user, secret, "", "", program);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new WrongStateException($"{program} answered something else than a user and a secret");
        }
    }
}
