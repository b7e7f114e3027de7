using Microsoft.Extensions.Logging;

namespace Gantry.Oci;

/// <summary>Event ids 3500 to 3599.</summary>
internal static partial class OciLog
{
    [LoggerMessage(EventId = 3500, Level = LogLevel.Debug, Message = "Runtimes see the mounts of all pods at an exec, and take longer with each: {Reason}")]
    public static partial void NoNamespaceForExec(this ILogger log, string reason);
}
