using Microsoft.Extensions.Logging;

namespace Gantry.Images.Unpacking;

/// <summary>Event ids 2250 to 2299.</summary>
internal static partial class UnpackingLog
{
    [LoggerMessage(EventId = 2250, Level = LogLevel.Debug, Message = "Skipped {Path} in a layer: {Reason}")]
    public static partial void EntrySkipped(this ILogger log, EntryPath path, string reason);

    [LoggerMessage(EventId = 2251, Level = LogLevel.Debug, Message = "The file system does not take the attribute {Attribute} of {Path} in a layer")]
    public static partial void AttributeSkipped(this ILogger log, string attribute, EntryPath path);
}
