using System.Globalization;

namespace Gantry.Linux.Processes;

/// <summary>Signals by name and number (signal(7)).</summary>
public static class Signals
{
    public const int Kill = 9;
    public const int Terminate = 15;
    private const int RealTimeMaximum = 64;

    private static readonly Dictionary<string, int> _numbers = new(StringComparer.OrdinalIgnoreCase)
    {
        ["HUP"] = 1,
        ["INT"] = 2,
        ["QUIT"] = 3,
        ["ILL"] = 4,
        ["TRAP"] = 5,
        ["ABRT"] = 6,
        ["IOT"] = 6,
        ["BUS"] = 7,
        ["FPE"] = 8,
        ["KILL"] = 9,
        ["USR1"] = 10,
        ["SEGV"] = 11,
        ["USR2"] = 12,
        ["PIPE"] = 13,
        ["ALRM"] = 14,
        ["TERM"] = 15,
        ["STKFLT"] = 16,
        ["CHLD"] = 17,
        ["CLD"] = 17,
        ["CONT"] = 18,
        ["STOP"] = 19,
        ["TSTP"] = 20,
        ["TTIN"] = 21,
        ["TTOU"] = 22,
        ["URG"] = 23,
        ["XCPU"] = 24,
        ["XFSZ"] = 25,
        ["VTALRM"] = 26,
        ["PROF"] = 27,
        ["WINCH"] = 28,
        ["IO"] = 29,
        ["POLL"] = 29,
        ["PWR"] = 30,
        ["SYS"] = 31,
    };

    /// <summary>The number of "SIGTERM", "TERM", "15" or "SIGRTMIN+3".</summary>
    public static bool TryParse(string? name, out int signal)
    {
        signal = 0;
        if (string.IsNullOrEmpty(name))
            return false;
        if (char.IsAsciiDigit(name[0]))
            return int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out signal) && signal is >= 1 and <= RealTimeMaximum;
        var plain = name.StartsWith("SIG", StringComparison.OrdinalIgnoreCase) ? name[3..] : name;
        return _numbers.TryGetValue(plain, out signal) || TryParseRealTime(plain.ToUpperInvariant(), out signal);
    }

    /// <inheritdoc cref="TryParse"/>
    /// <exception cref="FormatException">It names no signal.</exception>
    public static int Parse(string name) => TryParse(name, out var signal) ? signal : throw new FormatException($"'{name}' is no signal's name or number");

    /// <summary>Sends a signal; a process that is gone is fine.</summary>
    /// <exception cref="SyscallException">Any error but ESRCH.</exception>
    public static void Send(int pid, int signal)
    {
        if (LibC.Kill(pid, signal) == 0)
            return;
        var errno = LastErrno.Get();
        if (errno != Errno.ESRCH)
            throw new SyscallException("kill", errno, pid.ToString(CultureInfo.InvariantCulture));
    }

    private static bool TryParseRealTime(string name, out int signal)
    {
        signal = 0;
        var (start, rest) = name.StartsWith("RTMIN", StringComparison.Ordinal) ? (LibC.SignalRealTimeMinimum(), name[5..])
            : name.StartsWith("RTMAX", StringComparison.Ordinal) ? (RealTimeMaximum, name[5..])
            : (0, "");
        if (start == 0)
            return false;
        var offset = 0;
        if (rest.Length > 0 && !int.TryParse(rest, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out offset))
            return false;
        signal = start + offset;
        return signal >= LibC.SignalRealTimeMinimum() && signal <= RealTimeMaximum;
    }
}
