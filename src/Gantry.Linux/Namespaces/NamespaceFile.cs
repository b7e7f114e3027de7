namespace Gantry.Linux.Namespaces;

/// <summary>Files by which namespaces are kept and joined.</summary>
public static class NamespaceFile
{
    private const long NamespaceFileSystem = 0x6e736673;

    /// <summary>Whether a namespace is mounted there: an empty file of that name, as a reboot leaves it, is none.</summary>
    public static bool Exists(string path) => LibC.StatFileSystem(path, out var status) == 0 && status.Type == NamespaceFileSystem;
}
