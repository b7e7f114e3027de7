using System.Diagnostics;
using System.Globalization;

namespace Gantry.NodeBench;

/// <summary>Times by step, in milliseconds, in the order in which the steps came first.</summary>
public sealed class Samples
{
    private readonly List<(string Step, List<double> Times)> _steps = [];

    /// <summary>Runs and times a step.</summary>
    public async Task<T> TimeAsync<T>(string step, Func<Task<T>> run)
    {
        var began = Stopwatch.GetTimestamp();
        var result = await run();
        Add(step, Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        return result;
    }

    public void Add(string step, double milliseconds)
    {
        lock (_steps)
        {
            var times = _steps.Find(entry => entry.Step == step).Times;
            if (times is null)
                _steps.Add((step, times = []));
            times.Add(milliseconds);
        }
    }

    public double Quantile(string step, double q)
    {
        var times = _steps.Find(entry => entry.Step == step).Times;
        if (times is null)
            return double.NaN;
        var sorted = times.Order().ToList();
        return sorted[(int)Math.Min(sorted.Count - 1, Math.Floor(q * sorted.Count))];
    }

    /// <summary>One line a step: the median and the 99th percentile of each peer, and the ratio of the first's median to the others'.</summary>
    public static void Print(string title, IReadOnlyList<(string Name, Samples Samples)> peers)
    {
        Console.WriteLine($"\n{title}");
        Console.WriteLine($"{"",-34}{string.Concat(peers.Select(peer => $"{peer.Name,22}"))}{(peers.Count > 1 ? "     ratio" : "")}");
        foreach (var (step, _) in peers[0].Samples._steps)
        {
            var line = string.Create(CultureInfo.InvariantCulture, $"{step,-34}");
            foreach (var (_, samples) in peers)
                line += string.Create(CultureInfo.InvariantCulture, $"{samples.Quantile(step, 0.5),12:0.00} /{samples.Quantile(step, 0.99),8:0.0}");
            foreach (var (_, samples) in peers.Skip(1))
                line += string.Create(CultureInfo.InvariantCulture, $"{peers[0].Samples.Quantile(step, 0.5) / samples.Quantile(step, 0.5),10:0.00}");
            Console.WriteLine(line);
        }
    }
}
