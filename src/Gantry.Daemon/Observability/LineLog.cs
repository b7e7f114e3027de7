using System.Globalization;

namespace Gantry.Observability;

/// <summary>Writes each event as one line to standard error, where systemd or a file takes it.</summary>
public sealed class LineLog(LogLevel least, TimeProvider time) : ILogger
{
    private static readonly Lock _write = new();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= least && logLevel != LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        var now = time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var cause = exception is null ? "" : $": {(exception is Faults.GantryException or IOException ? exception.Message : exception.ToString())}";
        var line = $"{now} {Name(logLevel)} [{eventId.Id}] {formatter(state, exception)}{cause}".Replace("\n", " | ", StringComparison.Ordinal);
        lock (_write)
            Console.Error.WriteLine(line);
    }

    /// <summary>The level that the configuration names.</summary>
    public static LogLevel Parse(string level) => level switch
    {
        "debug" => LogLevel.Debug,
        "warning" => LogLevel.Warning,
        "error" => LogLevel.Error,
        _ => LogLevel.Information,
    };

    private static string Name(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug",
        LogLevel.Information => "info ",
        LogLevel.Warning => "warn ",
        _ => "error",
    };
}
