using Microsoft.Extensions.Logging;

namespace Gantry.Concurrency;

/// <summary>Event ids 1000 to 1099.</summary>
internal static partial class ConcurrencyLog
{
    [LoggerMessage(EventId = 1000, Level = LogLevel.Warning, Message = "Undoing '{Step}' failed; recovery will try again at the next start")]
    public static partial void UndoFailed(this ILogger log, string step, Exception cause);
}
