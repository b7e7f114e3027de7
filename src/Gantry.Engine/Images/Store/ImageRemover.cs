using Microsoft.Extensions.Logging;

namespace Gantry.Images.Store;

/// <summary>Removes images with every name that they have, as the CRI asks, and deletes what belongs to none any more.</summary>
public sealed class ImageRemover(ImageStore images, ImageCollector collector, ILogger log)
{
    /// <summary>Removes the image; one that does not exist is fine. Returns when its space is free.</summary>
    /// <param name="idOrReference">An id or any of its names.</param>
    public async Task RemoveAsync(string idOrReference)
    {
        if (await images.RemoveAsync(idOrReference) is not { } image)
            return;
        log.ImageRemoved(image.Id);
        await collector.CollectAsync(withRecent: false);
        await images.CatchUpAsync();
    }
}
