using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gantry.Persistence;

/// <summary>
/// The records of one kind of object: one directory an object, state.json in it. Only the store of that kind uses it.
/// </summary>
public sealed class RecordFolder<T>(string folder, JsonTypeInfo<T> type)
    where T : class
{
    /// <summary>Replaces the record of <paramref name="id"/>, whose directory exists.</summary>
    /// <exception cref="IOException">The file system refused; the old record stays.</exception>
    public void Write(string id, T record) =>
        AtomicFile.Write(Path.Combine(folder, id, "state.json"), JsonSerializer.SerializeToUtf8Bytes(record, type));

    /// <summary>
    /// Every record that can be read, and the names of the directories without one: those of an operation that never
    /// finished, and those that a power cut tore.
    /// </summary>
    public (IReadOnlyList<T> Records, IReadOnlyList<string> Broken) ReadAll()
    {
        var records = new List<T>();
        var broken = new List<string>();
        if (!Directory.Exists(folder))
            return (records, broken);
        foreach (var directory in Directory.EnumerateDirectories(folder))
        {
            if (TryRead(Path.Combine(directory, "state.json")) is { } record)
                records.Add(record);
            else
                broken.Add(Path.GetFileName(directory));
        }
        return (records, broken);
    }

    private T? TryRead(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), type);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or Faults.InvalidRequestException or NotSupportedException)
        {
            return null;
        }
    }
}
