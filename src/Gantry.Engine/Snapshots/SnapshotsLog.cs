using Gantry.Identity;
using Microsoft.Extensions.Logging;

namespace Gantry.Snapshots;

/// <summary>Event ids 2300 to 2399.</summary>
internal static partial class SnapshotsLog
{
    [LoggerMessage(EventId = 2300, Level = LogLevel.Information, Message = "Removed {Count} unfinished layers of an earlier run")]
    public static partial void LeftoversRemoved(this ILogger log, int count);

    [LoggerMessage(EventId = 2301, Level = LogLevel.Warning, Message = "Removed layer {ChainId}: it was written before the last reboot and never flushed to disk; a pull fetches it again")]
    public static partial void UnflushedRemoved(this ILogger log, Digest chainId);

    [LoggerMessage(EventId = 2302, Level = LogLevel.Debug, Message = "Committed layer {ChainId}: {Bytes} bytes, {Inodes} files")]
    public static partial void Committed(this ILogger log, Digest chainId, long bytes, long inodes);

    [LoggerMessage(EventId = 2303, Level = LogLevel.Warning, Message = "Removed layer {ChainId}: its record is missing or damaged; a pull fetches it again")]
    public static partial void DamagedRemoved(this ILogger log, Digest chainId, Exception? cause);
}
