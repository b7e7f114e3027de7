using Gantry.Faults;

namespace Gantry.Images.Unpacking;

/// <summary>
/// The first half of a layer's way: source to ring, hashed on the way. The ring ends well only if size and digest are
/// right, so that the unpacker never finishes a layer that is not what was asked for. Nothing here blocks a thread.
/// </summary>
internal sealed class BlobReceiver(Stream source, LayerDescriptor layer, IProgress<long>? progress)
{
    /// <summary>Ends the ring whatever happens, and so throws nothing.</summary>
    internal async Task RunAsync(BlockRing output, CancellationToken cancel)
    {
        try
        {
            await CopyAsync(output, cancel);
        }
        catch (Exception e)
        {
            output.Fail(e);
        }
    }

    private async Task CopyAsync(BlockRing output, CancellationToken cancel)
    {
        using var hash = new ContentHash(layer.Digest);
        var total = 0L;
        while (true)
        {
            var block = await output.RentAsync(cancel);
            // Whole blocks: each is a wake-up of the next stage, a hash's call and a write.
            var read = await source.ReadAtLeastAsync(block, block.Length, throwOnEndOfStream: false, cancel);
            total += read;
            if (total > layer.Size)
                throw Corrupt($"the registry sends more than the {layer.Size} bytes that the manifest says");
            hash.Append(block.Span[..read]);
            progress?.Report(total);
            if (read < block.Length)
            {
                await EndAsync(output, hash, total, read, cancel);
                return;
            }
            output.Publish(read);
        }
    }

    /// <summary>Passes the last block on, if it is one, and the end, if all of it is right.</summary>
    private async Task EndAsync(BlockRing output, ContentHash hash, long total, int last, CancellationToken cancel)
    {
        if (total < layer.Size)
            throw Corrupt($"the registry's answer ends after {total} of {layer.Size} bytes");
        var digest = hash.Finish();
        if (digest != layer.Digest)
            throw Corrupt($"the registry sent bytes with the digest {digest}");
        if (last > 0)
        {
            output.Publish(last);
            await output.RentAsync(cancel);
        }
        output.Publish(0);
    }

    private CorruptContentException Corrupt(string what) => new(
        $"layer {layer.Digest}: {what}; pull again, and if it stays so, push the image anew or look at the proxy or mirror in between");
}
