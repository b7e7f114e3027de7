using System.Text;
using Gantry.Faults;
using Gantry.Linux;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;
using Gantry.Linux.Mounts;

namespace Gantry.Snapshots;

/// <summary>How a container's root is mounted.</summary>
public sealed record OverlayOptions
{
    /// <summary>Device nodes in the image do nothing: right for all but privileged containers.</summary>
    public bool NoDevices { get; init; }

    /// <summary>
    /// The kernel never flushes the writable layer to disk: fast, and harmless where the layer does not outlive a power
    /// cut anyway. The same upper directory cannot be mounted again after one.
    /// </summary>
    public bool Volatile { get; init; }

    /// <summary>The SELinux context of all files; null for none.</summary>
    public string? Context { get; init; }
}

/// <summary>Stacks layer trees, and a writable layer on top, into one tree.</summary>
public static class OverlayMount
{
    private const int MaxClassicOptions = 4096;

    // Before 6.5 overlay hoards its options, and says only when all were given that it does not know lowerdir+.
    private static readonly bool _takesLayersOneByOne = Environment.OSVersion.Version >= new Version(6, 5);

    /// <summary>Mounts a writable stack. Upper and work are empty directories, or those of an earlier mount, on one file system.</summary>
    /// <param name="lowersTopFirst">Tree paths, the highest layer first; at least one.</param>
    /// <exception cref="SyscallException">What the kernel refused, in its own words.</exception>
    public static void Mount(
        IReadOnlyList<string> lowersTopFirst, string upper, string work, string target, OverlayOptions options)
    {
        if (lowersTopFirst.Count == 0)
            throw new InvalidRequestException($"overlay {target} has no layer; an image without layers cannot be a root");
        var attributes = options.NoDevices ? MountAttributes.NoDevices : MountAttributes.None;
        if (TryMountByContext(lowersTopFirst, upper, work, target, attributes, options))
            return;
        MountClassic(lowersTopFirst, $",upperdir={Escape(upper)},workdir={Escape(work)},index=off{(options.Volatile ? ",volatile" : "")}{Linux.Mounts.Mount.ContextOption(options.Context)}", target, attributes);
    }

    /// <summary>Mounts a stack that nobody can write to, for an image volume.</summary>
    /// <param name="lowersTopFirst">Tree paths, the highest layer first; at least one, and two where there is a context.</param>
    /// <param name="context">The SELinux context of all files; null for none.</param>
    /// <exception cref="SyscallException">What the kernel refused, in its own words.</exception>
    public static void MountReadOnly(IReadOnlyList<string> lowersTopFirst, string target, string? context = null)
    {
        const MountAttributes attributes = MountAttributes.ReadOnly | MountAttributes.NoDevices | MountAttributes.NoSetId;
        if (lowersTopFirst.Count == 0)
            throw new InvalidRequestException($"overlay {target} has no layer; an image without layers cannot be mounted");
        if (lowersTopFirst.Count == 1)
        {
            // overlayfs without an upper directory wants at least two lower ones.
            BindReadOnly(lowersTopFirst[0], target, attributes);
            return;
        }
        if (!TryMountByContext(lowersTopFirst, null, null, target, attributes, new OverlayOptions { Context = context }))
            MountClassic(lowersTopFirst, Linux.Mounts.Mount.ContextOption(context), target, attributes);
    }

    private static void BindReadOnly(string tree, string target, MountAttributes attributes)
    {
        Linux.Mounts.Mount.Bind(tree, target);
        try
        {
            Linux.Mounts.Mount.SetAttributes(target, attributes);
        }
        catch
        {
            Linux.Mounts.Mount.Unmount(target, lazy: true);
            throw;
        }
    }

    /// <summary>False where this kernel takes no lowerdir+ (before 6.5), or a path is too long for it.</summary>
    private static bool TryMountByContext(
        IReadOnlyList<string> lowers, string? upper, string? work, string target, MountAttributes attributes, OverlayOptions options)
    {
        if (!_takesLayersOneByOne)
            return false;
        // fsconfig refuses a string of 256 bytes with the same EINVAL as an option that it does not know.
        if (lowers.Append(upper).Append(work).Append(options.Context).Any(path => path is not null && Encoding.UTF8.GetByteCount(path) >= 256))
            return false;
        FileSystemContext context;
        try
        {
            context = FileSystemContext.Open("overlay");
        }
        catch (SyscallException e) when (e.Errno == Errno.ENOSYS)
        {
            return false;
        }
        using (context)
        {
            context.Set("source", "overlay");
            for (var i = 0; i < lowers.Count; i++)
            {
                try
                {
                    context.Set("lowerdir+", lowers[i]);
                }
                catch (SyscallException e) when (e.Errno == Errno.EINVAL && i == 0)
                {
                    return false;
                }
            }
            if (upper is not null && work is not null)
            {
                context.Set("upperdir", upper);
                context.Set("workdir", work);
                // Not the kernel's default: an index ties the upper directory to one set of lower inodes for ever.
                context.Set("index", "off");
                if (options.Volatile)
                    context.Set("volatile");
            }
            if (options.Context is { } label)
                context.Set("context", label);
            using var mount = context.CreateMount(attributes);
            Linux.Mounts.Mount.Attach(mount, target);
        }
        return true;
    }

    /// <summary>By mount(2), for old kernels and very long paths.</summary>
    internal static void MountClassic(IReadOnlyList<string> lowers, string rest, string target, MountAttributes attributes)
    {
        var options = $"lowerdir={string.Join(':', lowers.Select(Escape))}{rest}";
        if (options.Length < MaxClassicOptions)
            Linux.Mounts.Mount.FileSystem("overlay", "overlay", target, attributes, options);
        else
            MountByDescriptors(lowers, rest, target, attributes);
    }

    /// <summary>With the layers as open directories: their names have some 17 bytes each, however long their paths are.</summary>
    private static void MountByDescriptors(IReadOnlyList<string> lowers, string rest, string target, MountAttributes attributes)
    {
        var layers = new List<FileDescriptor>(lowers.Count);
        try
        {
            foreach (var lower in lowers)
                layers.Add(RegularFile.OpenDirectory(lower));
            var options = $"lowerdir={string.Join(':', layers.Select(layer => layer.ProcPath))}{rest}";
            // mount(2) cuts its options at a page, silently: a cut list would be a root without its lowest layers.
            if (options.Length >= MaxClassicOptions)
            {
                throw new ResourceExhaustedException($"overlay {target} of {lowers.Count} layers needs {options.Length} bytes of options, and this kernel "
                    + $"takes {MaxClassicOptions - 1}; use Linux 6.5 or newer, or an image of fewer layers");
            }
            Linux.Mounts.Mount.FileSystem("overlay", "overlay", target, attributes, options);
        }
        finally
        {
            layers.ForEach(layer => layer.Dispose());
        }
    }

    private static string Escape(string path) =>
        path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal);
}
