using System.Collections.Concurrent;
using Gantry.Faults;
using Gantry.Linux.Files;

namespace Gantry.Containers.Cdi;

/// <summary>
/// The devices that this node's CDI files describe. Directories are looked at anew for each container that asks, since
/// vendors' tools write them at any time; files that have not changed are not read again.
/// </summary>
/// <param name="directories">A later directory's devices hide an earlier one's of the same name.</param>
public sealed class CdiRegistry(IReadOnlyList<string> directories)
{
    private const int SizeLimit = 8 << 20;
    private readonly ConcurrentDictionary<string, CachedFile> _files = new(StringComparer.Ordinal);

    /// <summary>What the devices change of a container, one after another; each kind's common edits come once, before its first device's.</summary>
    /// <param name="container">For messages.</param>
    /// <param name="names">Names that are given twice count once.</param>
    /// <exception cref="WrongStateException">A device is described nowhere, or in two files of one directory.</exception>
    public CdiEdits Resolve(string container, IEnumerable<CdiName> names)
    {
        var asked = names.Distinct().ToList();
        var edits = new CdiEdits();
        if (asked.Count == 0)
            return edits;
        var problems = new List<string>();
        var folders = directories.Select(directory => Read(directory, problems)).Reverse().ToList();
        var begun = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in asked)
        {
            var spec = Find(container, folders, name, problems);
            if (begun.Add(spec.Path))
                edits = edits.And(spec.Edits);
            edits = edits.And(spec.Devices[name.Device]);
        }
        return edits;
    }

    private CdiSpec Find(string container, List<List<CdiSpec>> folders, CdiName name, List<string> problems)
    {
        foreach (var folder in folders)
        {
            var found = folder.Where(spec => spec.Kind == name.Kind && spec.Devices.ContainsKey(name.Device)).ToList();
            if (found.Count == 1)
                return found[0];
            if (found.Count > 1)
                throw new WrongStateException($"container {container}: CDI device {name} is described by both {found[0].Path} and {found[1].Path}: remove one");
        }
        var why = problems.Count == 0 ? "" : $" ({string.Join("; ", problems)})";
        throw new WrongStateException($"container {container}: CDI device {name} is described in no file of {string.Join(", ", directories)}{why}");
    }

    private List<CdiSpec> Read(string directory, List<string> problems)
    {
        var specs = new List<CdiSpec>();
        if (!Directory.Exists(directory))
            return specs;
        foreach (var path in Directory.EnumerateFiles(directory).Where(path => Path.GetExtension(path) is ".json" or ".yaml").Order(StringComparer.Ordinal))
        {
            var file = ReadFile(path);
            if (file.Spec is { } spec)
                specs.Add(spec);
            else
                problems.Add($"{path}: {file.Problem}");
        }
        return specs;
    }

    private CachedFile ReadFile(string path)
    {
        try
        {
            if (FileStatus.TryGet(path) is not { } status)
                return new CachedFile(default, null, "it is gone");
            var version = (status.Inode, status.Size, status.ModifiedSeconds, status.ModifiedNanoseconds);
            if (_files.TryGetValue(path, out var known) && known.Version == version)
                return known;
            return _files[path] = Parse(path, status, version);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new CachedFile(default, null, e.Message);
        }
    }

    private static CachedFile Parse(string path, FileStatus status, (ulong, long, long, long) version)
    {
        if (status.Size > SizeLimit)
            return new CachedFile(version, null, $"it is longer than {SizeLimit} bytes");
        try
        {
            return new CachedFile(version, CdiSpec.Parse(path, File.ReadAllText(path)), "");
        }
        catch (FormatException e)
        {
            return new CachedFile(version, null, e.Message);
        }
    }

    private sealed record CachedFile((ulong Inode, long Size, long Seconds, long Nanoseconds) Version, CdiSpec? Spec, string Problem);
}
