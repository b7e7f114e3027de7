using System.Collections;

namespace Gantry.Linux.Processes;

/// <summary>This process's environment, as a child gets it.</summary>
public static class ProcessEnvironment
{
    /// <summary>NAME=value for each variable.</summary>
    public static IReadOnlyList<string> Own()
    {
        var all = new List<string>();
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
            all.Add($"{entry.Key}={entry.Value}");
        return all;
    }
}
