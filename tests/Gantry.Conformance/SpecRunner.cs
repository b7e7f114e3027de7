using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Grpc.Core;

namespace Gantry.Conformance;

public enum SpecVerdict
{
    Passed,
    Failed,
    Skipped,
}

/// <summary>How one run of a spec ended.</summary>
/// <param name="Message">Why it failed or was skipped; empty where it passed.</param>
public sealed record SpecOutcome(Spec Spec, SpecVerdict Verdict, string Message, TimeSpan Took);

/// <summary>Runs specs against one server.</summary>
/// <param name="limit">How long one spec may take before it counts as failed.</param>
public sealed class SpecRunner(CriConnection cri, SpecSettings settings, TimeSpan limit)
{
    /// <summary>Runs one spec and takes away what it made; whatever goes wrong is the outcome, not an exception.</summary>
    public async Task<SpecOutcome> RunAsync(Spec spec)
    {
        var began = Stopwatch.GetTimestamp();
        var (verdict, message) = await TryAsync(spec);
        return new SpecOutcome(spec, verdict, message, Stopwatch.GetElapsedTime(began));
    }

    /// <summary>Runs the specs, some at a time, and tells of each as it ends.</summary>
    public async IAsyncEnumerable<SpecOutcome> RunAllAsync(
        IReadOnlyList<Spec> specs, int parallel, [EnumeratorCancellation] CancellationToken cancel)
    {
        var outcomes = Channel.CreateUnbounded<SpecOutcome>();
        var options = new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancel };
        var running = RunInParallelAsync(specs, options, outcomes.Writer);
        await foreach (var outcome in outcomes.Reader.ReadAllAsync(CancellationToken.None))
            yield return outcome;
        await running;
    }

    private async Task RunInParallelAsync(IReadOnlyList<Spec> specs, ParallelOptions options, ChannelWriter<SpecOutcome> outcomes)
    {
        try
        {
            await Parallel.ForEachAsync(specs, options, async (spec, _) => outcomes.TryWrite(await RunAsync(spec)));
        }
        finally
        {
            outcomes.Complete();
        }
    }

    private async Task<(SpecVerdict Verdict, string Message)> TryAsync(Spec spec)
    {
        try
        {
            await using var context = new SpecContext(cri, settings);
            await spec.Run(context).WaitAsync(limit);
            return (SpecVerdict.Passed, "");
        }
        catch (SpecSkippedException e)
        {
            return (SpecVerdict.Skipped, e.Message);
        }
        catch (RpcException e)
        {
            return (SpecVerdict.Failed, $"{e.StatusCode}: {e.Status.Detail}");
        }
        catch (TimeoutException)
        {
            return (SpecVerdict.Failed, $"it has not ended within {limit.TotalSeconds:0} s");
        }
        catch (SpecFailedException e)
        {
            return (SpecVerdict.Failed, e.Message);
        }
        catch (Exception e)
        {
            // An answer that lacks what it must have breaks a spec in ways of its own.
            return (SpecVerdict.Failed, $"{e.GetType().Name}: {e.Message}");
        }
    }
}
