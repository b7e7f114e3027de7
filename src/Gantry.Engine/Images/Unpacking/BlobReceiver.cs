using System.IO.Pipelines;
using Gantry.Faults;
using Microsoft.Win32.SafeHandles;

namespace Gantry.Images.Unpacking;

/// <summary>
/// The first half of a layer's way: source to blob file and, through a pipe, to the unpacker; hashes on the way. The pipe
/// ends well only if size and digest are right, so that the unpacker never finishes a layer that is not what was asked for.
/// </summary>
internal sealed class BlobReceiver(Stream source, LayerDescriptor layer, string? blobPath, IProgress<long>? progress)
{
    private const int PieceSize = 128 * 1024;

    /// <summary>
    /// Completes <paramref name="output"/> whatever happens. Returns early, without an error of its own, if the reader
    /// gave up.
    /// </summary>
    /// <exception cref="CorruptContentException">Wrong size or digest.</exception>
    internal async Task RunAsync(PipeWriter output, CancellationToken cancel)
    {
        Exception? fault = null;
        try
        {
            using var file = blobPath is null
                ? null
                : File.OpenHandle(blobPath, FileMode.Create, FileAccess.Write, FileShare.None, FileOptions.None, layer.Size);
            await CopyAsync(file, output, cancel);
        }
        catch (Exception e)
        {
            fault = e;
            throw;
        }
        finally
        {
            await output.CompleteAsync(fault);
        }
    }

    private async Task CopyAsync(SafeFileHandle? file, PipeWriter output, CancellationToken cancel)
    {
        using var hash = new ContentHash(layer.Digest);
        var total = 0L;
        while (true)
        {
            var memory = output.GetMemory(PieceSize);
            var read = await source.ReadAsync(memory, cancel);
            if (read == 0)
                break;
            var piece = memory[..read];
            if (total + read > layer.Size)
                throw Corrupt($"the registry sends more than the {layer.Size} bytes that the manifest says");
            hash.Append(piece.Span);
            if (file is not null)
                RandomAccess.Write(file, piece.Span, total);
            total += read;
            progress?.Report(total);
            output.Advance(read);
            if ((await output.FlushAsync(cancel)).IsCompleted)
                return;
        }
        if (total < layer.Size)
            throw Corrupt($"the registry's answer ends after {total} of {layer.Size} bytes");
        var digest = hash.Finish();
        if (digest != layer.Digest)
            throw Corrupt($"the registry sent bytes with the digest {digest}");
    }

    private CorruptContentException Corrupt(string what) => new(
        $"layer {layer.Digest}: {what}; pull again, and if it stays so, push the image anew or look at the proxy or mirror in between");
}
