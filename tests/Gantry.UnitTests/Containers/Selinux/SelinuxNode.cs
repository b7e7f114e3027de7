using Gantry.Containers.Selinux;

namespace Gantry.UnitTests.Containers.Selinux;

/// <summary>The files by which a node with SELinux tells of it, in a folder of their own.</summary>
internal sealed class SelinuxNode : IDisposable
{
    public const string Process = "system_u:system_r:container_t:s0";
    public const string File = "system_u:object_r:container_file_t:s0";
    private readonly string _folder = Directory.CreateTempSubdirectory("gantry-selinux-").FullName;

    public SelinuxNode(bool hasKernel = true)
    {
        Paths = new SelinuxPaths { Settings = $"{_folder}/etc", Kernel = $"{_folder}/kernel", Containers = $"{_folder}/contexts", Own = $"{_folder}/own" };
        if (!hasKernel)
            return;
        Directory.CreateDirectory(Paths.Kernel);
        Write($"{Paths.Kernel}/enforce", "0");
        Write($"{Paths.Kernel}/context", "");
        Write(Paths.Own, "system_u:system_r:container_runtime_t:s0\0");
        Write($"{Paths.Settings}/config", "# comment\nSELINUX=enforcing\nSELINUXTYPE=mine\n");
        WriteContexts($"process = \"{Process}\"\nfile = \"{File}\"\n");
    }

    public SelinuxPaths Paths { get; }

    public SelinuxPolicy Policy => new(Paths);

    public SelinuxLabels Labels => new(Policy, isWanted: true);

    public string ContextsFile => $"{Paths.Settings}/mine/contexts/lxc_contexts";

    public void WriteContexts(string text) => Write(ContextsFile, text);

    public static void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllText(path, text);
    }

    /// <summary>From now on the kernel knows no context: a file of its own that takes nothing but numbers answers as it would.</summary>
    public void ForgetContexts()
    {
        System.IO.File.Delete($"{Paths.Kernel}/context");
        System.IO.File.CreateSymbolicLink($"{Paths.Kernel}/context", "/proc/self/oom_score_adj");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
