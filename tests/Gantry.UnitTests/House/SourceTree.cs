using System.Reflection;

namespace Gantry.UnitTests.House;

/// <summary>The repository's own source files, for tests that read them.</summary>
internal static class SourceTree
{
    public static string Root { get; } = typeof(SourceTree).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .First(attribute => attribute.Key == "RepoRoot").Value!;

    /// <summary>The C# files below a folder of the repository, without what the build makes.</summary>
    public static IEnumerable<string> Files(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal));

    public static string Relative(string path) => Path.GetRelativePath(Root, path);
}
