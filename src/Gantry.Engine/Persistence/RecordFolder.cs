using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Gantry.Linux.Files;

namespace Gantry.Persistence;

/// <summary>
/// The records of one kind of object: one directory an object, state.json in it. Only the store of that kind uses it.
/// </summary>
/// <param name="folder">As /var/lib/gantry/pods.</param>
/// <param name="broken">Where records that cannot be read are kept, for whoever wants to know what they were.</param>
/// <param name="type">How a record is written; asked when the first one is, for working that out takes a good part of a daemon's start.</param>
/// <param name="idOf">The id in a record, which is its directory's name.</param>
public sealed class RecordFolder<T>(string folder, string broken, Func<JsonTypeInfo<T>> type, Func<T, string> idOf)
    where T : class
{
    private const string FileName = "state.json";
    private const int SizeLimit = 32 << 20;

    /// <summary>Replaces the record of <paramref name="id"/>, whose directory exists.</summary>
    /// <exception cref="IOException">The file system refused; the old record stays.</exception>
    public void Write(string id, T record) =>
        AtomicFile.Write(Path.Combine(folder, id, FileName), JsonSerializer.SerializeToUtf8Bytes(record, type()));

    /// <summary>
    /// Every record that can be read, and the names of the directories without one: those of an operation that never
    /// finished, and those whose record is damaged. A damaged record costs its own object, and nothing else.
    /// </summary>
    public (IReadOnlyList<T> Records, IReadOnlyList<string> Broken) ReadAll()
    {
        var records = new List<T>();
        var names = new List<string>();
        if (!Directory.Exists(folder))
            return (records, names);
        foreach (var name in Directory.EnumerateDirectories(folder).Select(Path.GetFileName).OfType<string>())
        {
            if (TryRead(Path.Combine(folder, name, FileName)) is { } record && idOf(record) == name)
            {
                records.Add(record);
                continue;
            }
            SetAside(name);
            names.Add(name);
        }
        return (records, names);
    }

    private T? TryRead(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(RegularFile.ReadOwn(path, SizeLimit), type());
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Whatever the bytes are: the daemon starts.
            return null;
        }
    }

    private void SetAside(string name)
    {
        try
        {
            var path = Path.Combine(folder, name, FileName);
            if (!File.Exists(path))
                return;
            Directory.CreateDirectory(broken);
            File.Move(path, Path.Combine(broken, $"{Path.GetFileName(folder)}-{name}.json"), overwrite: true);
        }
        catch (IOException)
        {
            // It goes with its directory then.
        }
    }
}
