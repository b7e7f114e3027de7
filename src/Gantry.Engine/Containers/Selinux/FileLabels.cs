using System.Text;
using Gantry.Faults;
using Gantry.Linux;
using Gantry.Linux.Files;

namespace Gantry.Containers.Selinux;

/// <summary>
/// Gives files the context of the containers that use them. A file system that keeps no labels has one for all of its files,
/// which nobody can change: it is passed over.
/// </summary>
public static class FileLabels
{
    /// <summary>Programs of the node itself use what is here, and with a container's label they could not.</summary>
    private static readonly HashSet<string> _ofNode =
    [
        "/", "/bin", "/boot", "/dev", "/etc", "/etc/passwd", "/etc/pki", "/etc/shadow", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/proc",
        "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/local", "/usr/sbin", "/usr/share", "/var",
        "/var/lib", "/var/lib/kubelet", "/var/log", "/var/run", "/var/tmp",
    ];

    private static ReadOnlySpan<byte> Attribute => "security.selinux"u8;

    /// <summary>Labels one file of our own.</summary>
    /// <exception cref="SyscallException">The file is gone, or the kernel refused.</exception>
    public static void Set(string path, string context)
    {
        using var file = RegularFile.Open(path, 0);
        try
        {
            ExtendedAttributes.Set(file, Attribute, Encoding.ASCII.GetBytes(context), path);
        }
        catch (SyscallException e) when (e.Errno is Errno.EOPNOTSUPP)
        {
            // See above.
        }
    }

    /// <summary>Labels a volume and everything in it; no symbolic link is followed.</summary>
    /// <param name="container">The container's name.</param>
    /// <param name="mount">The mount that asks for it.</param>
    /// <param name="source">The volume, its links resolved.</param>
    /// <param name="context">The label.</param>
    /// <param name="own">Gantry's own directories.</param>
    /// <param name="given">Whether anybody waits still.</param>
    /// <exception cref="InvalidRequestException">The volume is a directory of the node itself.</exception>
    /// <exception cref="WrongStateException">A file in it cannot be labelled.</exception>
    public static void SetVolume(string container, MountSpec mount, string source, string context, IEnumerable<string> own, CancellationToken given)
    {
        if (IsOfNode(source, own))
        {
            throw new InvalidRequestException(
                $"container {container}: mount {mount.ContainerPath} asks for {mount.HostPath} to be relabelled (selinux_relabel), and {source} is the node's own: mount a directory below it");
        }
        try
        {
            TreeAttribute.Set(source, Attribute, Encoding.ASCII.GetBytes(context), given);
        }
        catch (SyscallException e) when (!e.IsExhaustion)
        {
            throw new WrongStateException($"container {container}: mount {mount.ContainerPath}: {mount.HostPath} cannot be relabelled as {context}: {e.Message}", e);
        }
    }

    internal static bool IsOfNode(string path, IEnumerable<string> own)
    {
        var trimmed = path.Length > 1 ? path.TrimEnd('/') : path;
        return _ofNode.Contains(trimmed)
            || trimmed.StartsWith("/proc/", StringComparison.Ordinal) || trimmed.StartsWith("/sys/", StringComparison.Ordinal)
            || own.Any(directory => directory == trimmed || directory.StartsWith(trimmed + "/", StringComparison.Ordinal));
    }
}
