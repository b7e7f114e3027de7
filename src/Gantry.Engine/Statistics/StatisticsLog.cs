using Gantry.Identity;
using Microsoft.Extensions.Logging;

namespace Gantry.Statistics;

internal static partial class StatisticsLog
{
    [LoggerMessage(EventId = 4901, Level = LogLevel.Warning, Message = "The writable layer of container {Container} could not be measured")]
    public static partial void LayerNotMeasured(this ILogger log, ContainerId container, Exception cause);
}
