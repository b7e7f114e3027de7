using Gantry.Identity;
using Microsoft.Extensions.Logging;

namespace Gantry.Images;

/// <summary>Event ids 2000 to 2099.</summary>
internal static partial class ImagesLog
{
    [LoggerMessage(EventId = 2000, Level = LogLevel.Warning, Message = "Image {Name} ({Digest}) is not whole and counts as absent; pull it again, or repair it with 'gantry fsck --repair'")]
    public static partial void ImageDamaged(this ILogger log, string name, Digest digest, Exception cause);

    [LoggerMessage(EventId = 2001, Level = LogLevel.Error, Message = "The image index {Path} cannot be read; it was set aside, and images must be pulled again")]
    public static partial void IndexUnreadable(this ILogger log, string path, Exception cause);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Information, Message = "Pulled {Image}: {Id}, {Bytes} bytes in {Elapsed}")]
    public static partial void ImagePulled(this ILogger log, string image, Digest id, long bytes, TimeSpan elapsed);

    [LoggerMessage(EventId = 2003, Level = LogLevel.Information, Message = "Removed image {Id}")]
    public static partial void ImageRemoved(this ILogger log, Digest id);

    [LoggerMessage(EventId = 2004, Level = LogLevel.Warning, Message = "Registry {Host} could not serve {Image}: {Problem}")]
    public static partial void HostFailed(this ILogger log, string host, string image, string problem);

    [LoggerMessage(EventId = 2005, Level = LogLevel.Information, Message = "Deleted {Trees} layers and {Blobs} blobs that nothing needs: {Bytes} bytes")]
    public static partial void Collected(this ILogger log, int trees, int blobs, long bytes);

    [LoggerMessage(EventId = 2006, Level = LogLevel.Warning, Message = "{Path} could not be deleted; the next start tries again")]
    public static partial void TrashStays(this ILogger log, string path, Exception cause);

    [LoggerMessage(EventId = 2007, Level = LogLevel.Warning, Message = "Blob {Digest} on disk was damaged, and is fetched again")]
    public static partial void BlobDamaged(this ILogger log, Digest digest, Exception cause);

    [LoggerMessage(EventId = 2008, Level = LogLevel.Warning, Message = "{Subject} of image {Image} is damaged: {Problem}")]
    public static partial void DamageFound(this ILogger log, string subject, string image, string problem);

    [LoggerMessage(EventId = 2009, Level = LogLevel.Information, Message = "{Subject} of image {Image} was repaired")]
    public static partial void DamageRepaired(this ILogger log, string subject, string image);

    [LoggerMessage(EventId = 2010, Level = LogLevel.Information, Message = "Imported {Images} from {Source}")]
    public static partial void ImagesImported(this ILogger log, string images, string source);

    [LoggerMessage(EventId = 2011, Level = LogLevel.Error, Message = "The archive {Path} of the import directory could not be imported")]
    public static partial void ImportFailed(this ILogger log, string path, Exception cause);

    [LoggerMessage(EventId = 2012, Level = LogLevel.Warning, Message = "The images' background work '{What}' failed, and is tried again later")]
    public static partial void CareFailed(this ILogger log, string what, Exception cause);

    [LoggerMessage(EventId = 2013, Level = LogLevel.Information, Message = "Verified {Blobs} blobs and {Layers} layers: {Problems} problems, {Repaired} repaired")]
    public static partial void Scrubbed(this ILogger log, int blobs, int layers, int problems, int repaired);
}
