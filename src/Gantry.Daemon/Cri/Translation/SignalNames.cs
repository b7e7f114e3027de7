using Gantry.Cri.Api;
using Gantry.Faults;

namespace Gantry.Cri.Translation;

/// <summary>The CRI's stop signals, whose numbers are not the kernel's.</summary>
internal static class SignalNames
{
    /// <summary>As "SIGRTMIN+3"; null for the runtime's default.</summary>
    /// <exception cref="InvalidRequestException">It is no signal of the CRI.</exception>
    public static string? ToName(Signal signal)
    {
        if (signal is Signal.RuntimeDefault)
            return null;
        var name = Enum.IsDefined(signal) ? signal.ToString() : throw new InvalidRequestException($"config.stop_signal {(int)signal} is no signal of the CRI");
        return name.ToUpperInvariant().Replace("PLUS", "+", StringComparison.Ordinal).Replace("MINUS", "-", StringComparison.Ordinal);
    }

    public static Signal FromName(string name)
    {
        var plain = name.Replace("+", "Plus", StringComparison.Ordinal).Replace("-", "Minus", StringComparison.Ordinal);
        if (!plain.StartsWith("SIG", StringComparison.OrdinalIgnoreCase))
            plain = "SIG" + plain;
        return Enum.TryParse<Signal>(plain, ignoreCase: true, out var signal) ? signal : Signal.RuntimeDefault;
    }
}
