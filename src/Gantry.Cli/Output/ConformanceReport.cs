using System.Globalization;
using System.Text.Json.Nodes;
using Gantry.Cli.Connection;
using Gantry.Conformance;

namespace Gantry.Cli.Output;

/// <summary>Tells of specs as they end, sums them up for each server, and shows where two servers differ.</summary>
internal sealed class ConformanceReport(Screen screen, OutputFormat format, KnownFailures known)
{
    private readonly List<Run> _runs = [];

    public void Begin(Endpoint endpoint, string server, int count)
    {
        _runs.Add(new Run(endpoint, server));
        screen.Note($"{server} at {endpoint}: {count} specs");
    }

    public void Add(SpecOutcome outcome)
    {
        _runs[^1].Outcomes.Add(outcome);
        if (format != OutputFormat.Table)
            return;
        var line = string.Create(CultureInfo.InvariantCulture, $"{Word(outcome),-5} {outcome.Spec.Id} ({outcome.Took.TotalSeconds:0.0} s)");
        if (outcome.Message.Length > 0)
            line += $"\n      {outcome.Spec.Behaviour}\n      {outcome.Message}";
        if (IsKnown(outcome))
            line += $"\n      known: {known.ReasonOf(outcome.Spec)}";
        screen.Out.WriteLine(PlainText.OfLines(line));
        screen.Out.Flush();
    }

    /// <summary>Prints the sums; the exit code tells whether a spec failed that isn't known to.</summary>
    public int Finish()
    {
        if (format == OutputFormat.Table)
        {
            WriteDifferences();
            foreach (var run in _runs)
                screen.Out.WriteLine(PlainText.Of(Sum(run)));
        }
        else
        {
            Document.Write(screen, format, new JsonArray([.. _runs.Select(ToJson)]));
        }
        return _runs.Exists(run => run.Outcomes.Exists(outcome => outcome.Verdict is SpecVerdict.Failed && !IsKnown(outcome))) ? ExitCode.Failed : ExitCode.Ok;
    }

    private bool IsKnown(SpecOutcome outcome) => outcome.Verdict is SpecVerdict.Failed && known.ReasonOf(outcome.Spec) is not null;

    private string Word(SpecOutcome outcome) => outcome.Verdict switch
    {
        SpecVerdict.Passed => "ok",
        SpecVerdict.Skipped => "skip",
        _ => IsKnown(outcome) ? "known" : "FAIL",
    };

    private string Sum(Run run)
    {
        int Count(SpecVerdict verdict) => run.Outcomes.Count(outcome => outcome.Verdict == verdict && !IsKnown(outcome));
        var text = $"{run.Server}: {Count(SpecVerdict.Passed)} passed, {Count(SpecVerdict.Failed)} failed, {Count(SpecVerdict.Skipped)} skipped";
        return run.Outcomes.Count(IsKnown) is > 0 and var count ? $"{text}, {count} known to fail" : text;
    }

    private void WriteDifferences()
    {
        if (_runs.Count < 2)
            return;
        var second = _runs[1].Outcomes.ToDictionary(outcome => outcome.Spec.Id);
        foreach (var first in _runs[0].Outcomes.Where(outcome => second.TryGetValue(outcome.Spec.Id, out var other) && other.Verdict != outcome.Verdict))
            screen.Out.WriteLine(PlainText.Of($"differs: {first.Spec.Id}: {Word(first)} on {_runs[0].Server}, {Word(second[first.Spec.Id])} on {_runs[1].Server}"));
    }

    private JsonObject ToJson(Run run) => new()
    {
        ["endpoint"] = run.Endpoint.ToString(),
        ["server"] = run.Server,
        ["specs"] = new JsonArray([.. run.Outcomes.Select(outcome => new JsonObject
        {
            ["id"] = outcome.Spec.Id,
            ["behaviour"] = outcome.Spec.Behaviour,
            ["verdict"] = outcome.Verdict.ToString(),
            ["message"] = outcome.Message,
            ["known"] = IsKnown(outcome) ? known.ReasonOf(outcome.Spec) : null,
            ["seconds"] = Math.Round(outcome.Took.TotalSeconds, 3),
        })]),
    };

    private sealed record Run(Endpoint Endpoint, string Server)
    {
        public List<SpecOutcome> Outcomes { get; } = [];
    }
}
