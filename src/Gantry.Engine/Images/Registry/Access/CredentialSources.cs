using Gantry.Faults;
using Gantry.Images.Registry.Hosts;

namespace Gantry.Images.Registry.Access;

/// <summary>A registry's credentials in the configuration.</summary>
/// <param name="PasswordFile">Whose content, without the line's end, is the password; empty for none.</param>
/// <param name="Helper">A docker-credential-NAME to ask; empty for none.</param>
public sealed record ConfiguredCredentials(string Username, string Password, string PasswordFile, string IdentityToken, string Helper)
{
    /// <summary>Without what is secret.</summary>
    public override string ToString() => $"user '{Username}'";
}

/// <summary>
/// What to show to a server: the pull request's credentials to the image's own registry, and else what the configuration
/// and the files of credentials hold for that server by its own name. So each mirror has its own, and none gets another's.
/// </summary>
/// <param name="configured">By the registry's host, as registry.example:5000.</param>
/// <param name="files">In Docker's format; those that are missing are passed over.</param>
/// <param name="helperFolders">Where docker-credential-NAME programs are looked for.</param>
public sealed class CredentialSources(
    IReadOnlyDictionary<string, ConfiguredCredentials> configured, IReadOnlyList<string> files, IReadOnlyList<string> helperFolders)
{
    private readonly CredentialProgram _programs = new(helperFolders);

    /// <summary>The credentials for a server; null for none.</summary>
    /// <exception cref="WrongStateException">A source that has something for this server cannot be read.</exception>
    internal async Task<RegistryCredentials?> FindAsync(RegistryHost host, ImageReference image, RegistryCredentials? ofRequest, CancellationToken cancel)
    {
        if (!host.IsMirror && ofRequest is not null)
            return ofRequest;
        // The image's own registry is also known by the name that images have it by: docker.io, not registry-1.docker.io.
        IReadOnlyList<string> names = host.IsMirror || host.Name == image.Registry ? [host.Name] : [image.Registry, host.Name];
        foreach (var name in names)
        {
            if (configured.TryGetValue(name, out var entry))
                return await ReadAsync(name, entry, cancel);
        }
        foreach (var file in files)
        {
            if (DockerConfig.Read(file) is not { } config)
                continue;
            var (credentials, helper, server) = config.Find(names, host.Repository ?? image.Repository);
            if (credentials is null && helper is not null)
                credentials = await _programs.AskAsync(helper, server, file, cancel);
            if (credentials is not null)
                return credentials;
        }
        return null;
    }

    private async Task<RegistryCredentials?> ReadAsync(string name, ConfiguredCredentials entry, CancellationToken cancel)
    {
        var source = $"the configuration, registry.auth.\"{name}\"";
        if (entry.Helper.Length > 0)
            return await _programs.AskAsync(entry.Helper, name, source, cancel);
        var password = entry.Password;
        if (entry.PasswordFile.Length > 0)
        {
            try
            {
                password = (await File.ReadAllTextAsync(entry.PasswordFile, cancel)).TrimEnd('\n', '\r');
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new WrongStateException($"{source}: password file {entry.PasswordFile} cannot be read: {e.Message}", e);
            }
        }
        return new RegistryCredentials(entry.Username, password, entry.IdentityToken, "", source);
    }
}
