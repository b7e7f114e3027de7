using System.Runtime.InteropServices;

namespace Gantry.Serving;

/// <summary>Asked to end (SIGTERM, SIGINT, SIGQUIT), the process ends in order, whenever in its life that comes.</summary>
public sealed class TerminationSignals : IDisposable
{
    private readonly CancellationTokenSource _ending = new();
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration[] _registrations;

    public TerminationSignals() =>
        _registrations = [.. new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT }.Select(signal => PosixSignalRegistration.Create(signal, Ask))];

    /// <summary>Done with the first of the signals.</summary>
    public Task Asked => _asked.Task;

    /// <summary>Cancelled then.</summary>
    public CancellationToken Ending => _ending.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _ending.Dispose();
    }

    private void Ask(PosixSignalContext signal)
    {
        signal.Cancel = true;
        if (_asked.TrySetResult())
            _ending.Cancel();
    }
}
