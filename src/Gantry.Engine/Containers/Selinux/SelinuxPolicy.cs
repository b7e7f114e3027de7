using System.Text;
using Gantry.Faults;
using Gantry.Linux;
using Gantry.Linux.Files;

namespace Gantry.Containers.Selinux;

/// <summary>The contexts that a policy gives to containers and to their files.</summary>
public sealed record DefaultContexts(SelinuxContext Process, SelinuxContext File);

/// <summary>Where a node keeps what it knows of SELinux.</summary>
public sealed record SelinuxPaths
{
    /// <summary>The administrator's settings, and the policies' files.</summary>
    public string Settings { get; init; } = "/etc/selinux";

    /// <summary>The kernel's file system of SELinux.</summary>
    public string Kernel { get; init; } = "/sys/fs/selinux";

    /// <summary>Contexts of containers for all policies, which come first: Fedora's container-selinux installs it.</summary>
    public string Containers { get; init; } = "/usr/share/containers/selinux/contexts";

    /// <summary>This process's own context.</summary>
    public string Own { get; init; } = "/proc/thread-self/attr/current";
}

/// <summary>This node's SELinux policy, read anew for each pod: an administrator may load another one.</summary>
public sealed class SelinuxPolicy(SelinuxPaths paths)
{
    private const string DefaultType = "targeted";

    /// <summary>Whether the kernel has SELinux and a policy; without one every context is "kernel".</summary>
    public bool IsEnabled => File.Exists($"{paths.Kernel}/enforce") && !(File.Exists(paths.Own) && Trim(File.ReadAllText(paths.Own)) == "kernel");

    /// <summary>Null where no file of the policy says which contexts containers get.</summary>
    /// <exception cref="WrongStateException">A file says it, and what it says is no context.</exception>
    public DefaultContexts? ReadDefaults()
    {
        var path = File.Exists(paths.Containers) ? paths.Containers : ContextsOfType();
        if (!File.Exists(path))
            return null;
        var values = ReadValues(path);
        return values.TryGetValue("process", out var process) && values.TryGetValue("file", out var file)
            ? new DefaultContexts(Parse(path, "process", process), Parse(path, "file", file))
            : null;
    }

    /// <summary>Where <see cref="ReadDefaults"/> looks, for messages.</summary>
    public string ContextsOfType()
    {
        var settings = $"{paths.Settings}/config";
        var type = File.Exists(settings) ? ReadValues(settings).GetValueOrDefault("SELINUXTYPE", DefaultType) : DefaultType;
        return $"{paths.Settings}/{type}/contexts/lxc_contexts";
    }

    /// <summary>Asks the kernel whether its policy has the context.</summary>
    /// <param name="subject">As "container web".</param>
    /// <exception cref="InvalidRequestException">It has not.</exception>
    /// <exception cref="SyscallException">The kernel does not answer: EACCES where the policy does not let this daemon ask.</exception>
    public void Check(string subject, SelinuxContext context)
    {
        try
        {
            KernelFile.Write($"{paths.Kernel}/context", Encoding.ASCII.GetBytes(context.ToString()));
        }
        catch (SyscallException e) when (e.Errno is Errno.EINVAL)
        {
            throw new InvalidRequestException(
                $"{subject}: the SELinux policy of this node does not know the label {context}: choose a user, role, type and level that it has (seinfo lists them), or load the module that defines them", e);
        }
    }

    private static SelinuxContext Parse(string path, string key, string value) =>
        SelinuxContext.TryParse(value) ?? throw new WrongStateException($"{path}: '{value}' of '{key}' is no SELinux context: correct the file, or set selinux = false in the configuration");

    /// <summary>Lines of "key = value", with or without quotes; those that begin with # or ; are comments.</summary>
    private static Dictionary<string, string> ReadValues(string path)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in File.ReadLines(path).Select(line => line.Trim()))
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && line[0] is not ('#' or ';'))
                values.TryAdd(line[..equals].TrimEnd(), line[(equals + 1)..].Trim().Trim('"'));
        }
        return values;
    }

    private static string Trim(string text) => text.TrimEnd('\0', '\n');
}
