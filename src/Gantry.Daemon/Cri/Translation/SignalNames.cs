using Gantry.Cri.Api;

namespace Gantry.Cri.Translation;

/// <summary>The CRI's stop signals, whose numbers are not the kernel's.</summary>
internal static class SignalNames
{
    /// <summary>As "SIGRTMIN+3"; null for the runtime's default.</summary>
    public static string? ToName(Signal signal)
    {
        var name = signal.ToString();
        return signal is Signal.RuntimeDefault || !name.StartsWith("Sig", StringComparison.Ordinal)
            ? null
            : name.ToUpperInvariant().Replace("PLUS", "+", StringComparison.Ordinal).Replace("MINUS", "-", StringComparison.Ordinal);
    }

    public static Signal FromName(string name)
    {
        var plain = name.Replace("+", "Plus", StringComparison.Ordinal).Replace("-", "Minus", StringComparison.Ordinal);
        if (!plain.StartsWith("SIG", StringComparison.OrdinalIgnoreCase))
            plain = "SIG" + plain;
        return Enum.TryParse<Signal>(plain, ignoreCase: true, out var signal) ? signal : Signal.RuntimeDefault;
    }
}
