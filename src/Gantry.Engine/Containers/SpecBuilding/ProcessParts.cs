using System.Text;
using Gantry.Faults;
using Gantry.Images.Manifests;

namespace Gantry.Containers.SpecBuilding;

/// <summary>What a container's process runs, and with which environment.</summary>
public static class ProcessParts
{
    private const string DefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>A command replaces the image's entrypoint and drops its command; arguments alone keep the entrypoint.</summary>
    /// <exception cref="InvalidRequestException">Nothing says what to run.</exception>
    public static IReadOnlyList<string> Arguments(ContainerSpec spec, ImageConfig image)
    {
        var entrypoint = spec.Command.Count > 0 ? spec.Command : image.Entrypoint.Where(word => word.Length > 0 || image.Entrypoint.Count > 1).ToList();
        var arguments = spec.Arguments.Count > 0 || spec.Command.Count > 0 ? spec.Arguments : image.Command;
        IReadOnlyList<string> all = [.. entrypoint, .. arguments];
        if (all.Count == 0 || all[0].Length == 0)
        {
            throw new InvalidRequestException(
                $"container {spec.Name}: no command is specified: neither the request nor image {spec.Image.Reference} says what to run; give it a command");
        }
        return all.Any(word => word.Contains('\0')) ? throw new InvalidRequestException($"container {spec.Name}: a word of its command holds a NUL") : all;
    }

    /// <summary>The image's variables, overridden by the request's.</summary>
    public static IReadOnlyList<string> Environment(ContainerSpec spec, ImageConfig image, ResolvedUser user, string hostname)
    {
        var variables = new List<KeyValuePair<string, string>>();
        Set(variables, DefaultPath);
        if (hostname.Length > 0)
            Set(variables, $"HOSTNAME={hostname}");
        if (spec.Terminal)
            Set(variables, "TERM=xterm");
        foreach (var variable in image.Env)
            Set(variables, variable);
        foreach (var variable in spec.Environment)
            Set(variables, $"{variable.Name}={Encoding.UTF8.GetString(variable.Value)}");
        if (variables.TrueForAll(variable => variable.Key != "HOME"))
            Set(variables, $"HOME={user.Home}");
        return [.. variables.Select(variable => $"{variable.Key}={variable.Value}")];
    }

    /// <summary>The request's directory, the image's, or the root.</summary>
    /// <exception cref="InvalidRequestException">It is one through which a process's open files are reached (CVE-2024-21626).</exception>
    public static string WorkingDirectory(ContainerSpec spec, ImageConfig image)
    {
        var given = spec.WorkingDirectory.Length > 0 ? spec.WorkingDirectory : image.WorkingDirectory;
        if (given.Contains('\0') || given.Length >= 4096)
            throw new InvalidRequestException($"container {spec.Name}: its working directory is no path");
        var directory = Path.GetFullPath("/" + given.TrimStart('/'));
        return directory is "/proc" or "/sys" || directory.StartsWith("/proc/", StringComparison.Ordinal) || directory.StartsWith("/sys/", StringComparison.Ordinal)
            ? throw new InvalidRequestException($"container {spec.Name}: its working directory {directory} is below /proc or /sys: choose one of the image's own")
            : directory;
    }

    private static void Set(List<KeyValuePair<string, string>> variables, string assignment)
    {
        var equals = assignment.IndexOf('=', StringComparison.Ordinal);
        var (name, value) = equals < 0 ? (assignment, "") : (assignment[..equals], assignment[(equals + 1)..]);
        var index = variables.FindIndex(variable => variable.Key == name);
        if (index >= 0)
            variables[index] = new(name, value);
        else
            variables.Add(new(name, value));
    }
}
