using Gantry.Identity;
using Microsoft.Extensions.Logging;

namespace Gantry.Images;

/// <summary>Event ids 2000 to 2099.</summary>
internal static partial class ImagesLog
{
    [LoggerMessage(EventId = 2000, Level = LogLevel.Warning, Message = "Image {Digest} is not whole and is left out; pull it again to repair it")]
    public static partial void ImageDamaged(this ILogger log, Digest digest, Exception cause);

    [LoggerMessage(EventId = 2001, Level = LogLevel.Error, Message = "The image index {Path} cannot be read; it was set aside, and images must be pulled again")]
    public static partial void IndexUnreadable(this ILogger log, string path, Exception cause);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Information, Message = "Pulled {Image}: {Id}, {Bytes} bytes in {Elapsed}")]
    public static partial void ImagePulled(this ILogger log, string image, Digest id, long bytes, TimeSpan elapsed);

    [LoggerMessage(EventId = 2003, Level = LogLevel.Information, Message = "Removed image {Id}")]
    public static partial void ImageRemoved(this ILogger log, Digest id);

    [LoggerMessage(EventId = 2004, Level = LogLevel.Warning, Message = "Registry {Host} could not serve {Image}: {Problem}")]
    public static partial void HostFailed(this ILogger log, string host, string image, string problem);
}
