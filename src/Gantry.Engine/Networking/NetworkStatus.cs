using Gantry.Faults;
using Gantry.Linux;

namespace Gantry.Networking;

/// <summary>
/// Asks a network's plugins whether they can attach pods (STATUS, CNI specification 1.1). One question is under way at a
/// time and its answer is kept for a moment, so that a plugin that hangs holds up nobody and is not started again and again.
/// </summary>
public sealed class NetworkStatus(CniPlugin plugin, TimeProvider time)
{
    /// <summary>Less than the kubelet's 5 s between two questions: each of its own is answered anew.</summary>
    private static readonly TimeSpan _kept = TimeSpan.FromSeconds(4);

    /// <summary>How long somebody who asks waits for the plugins.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private Question? _last;

    /// <summary>Why the network can't serve, in its plugin's words; null where it can, or is of a version that can't be asked.</summary>
    public async Task<string?> ProblemAsync(CniNetwork network)
    {
        if (!network.HasStatus)
            return null;
        var question = Current(network);
        try
        {
            return await question.Answer.WaitAsync(_patience, time);
        }
        catch (TimeoutException)
        {
            return $"the CNI plugins of network {network.Name} ({network.File}) have not answered STATUS for {time.GetElapsedTime(question.Asked).TotalSeconds:0} s";
        }
    }

    private Question Current(CniNetwork network)
    {
        var key = string.Join('\n', network.Plugins.Select(conf => conf.ToJsonString()).Prepend($"{network.File} {network.Name} {network.Version}"));
        lock (_lock)
        {
            if (_last is not { } last || last.Key != key || (last.Answer.IsCompleted && time.GetElapsedTime(last.Asked) >= _kept))
                _last = last = new Question(key, time.GetTimestamp(), AskAsync(network));
            return last;
        }
    }

    private async Task<string?> AskAsync(CniNetwork network)
    {
        // Whoever began the question holds the lock: no program is started below it.
        await Task.Yield();
        foreach (var conf in network.Plugins)
        {
            try
            {
                await plugin.AskAsync("STATUS", network, network.Request(conf), CancellationToken.None);
            }
            catch (Exception e) when (e is GantryException or SyscallException)
            {
                return e.Message;
            }
        }
        return null;
    }

    private sealed record Question(string Key, long Asked, Task<string?> Answer);
}
