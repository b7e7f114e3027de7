using System.IO.Compression;
using System.IO.Pipelines;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Snapshots;
using Microsoft.Extensions.Logging;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Gantry.Images.Unpacking;

/// <summary>
/// One layer in one pass: source, digest and size, blob file, decompression, diff id, tree. Receiving and unpacking run
/// at the same time, with at most <see cref="PipeLimit"/> bytes between them; several layers may run at once.
/// </summary>
public sealed class LayerPipeline(LayerLimits limits, ILogger log)
{
    private const int PipeLimit = 4 * 1024 * 1024;
    private const int SegmentSize = 128 * 1024;
    private const int MaxWindowLog = 27;

    /// <summary>
    /// Unpacks a layer into <paramref name="ingest"/> and writes its blob aside. After a failure, both hold rubbish: the
    /// caller deletes them (the ingest by disposing it).
    /// </summary>
    /// <param name="source">The blob; read to its end, not disposed.</param>
    /// <param name="expectedDiffId">The image config's digest of the decompressed archive.</param>
    /// <param name="blobPathAside">Where to write the blob, for the caller to publish by a rename; null if it is there already.</param>
    /// <param name="progress">Told the number of bytes received so far.</param>
    /// <exception cref="CorruptContentException">Digest, size or diff id are wrong, or the archive is damaged.</exception>
    /// <exception cref="ResourceExhaustedException">It is larger than the limits allow.</exception>
    /// <exception cref="IOException">The source or the disk failed.</exception>
    public async Task<LayerResult> RunAsync(
        Stream source, LayerDescriptor layer, Digest expectedDiffId, string? blobPathAside, LayerIngest ingest,
        IProgress<long>? progress, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var pipe = new Pipe(new PipeOptions(
            pauseWriterThreshold: PipeLimit, resumeWriterThreshold: PipeLimit / 2, minimumSegmentSize: SegmentSize,
            useSynchronizationContext: false));
        var receiving = new BlobReceiver(source, layer, blobPathAside, progress).RunAsync(pipe.Writer, stop.Token);
        try
        {
            var result = await UnpackAsync(pipe.Reader, layer, expectedDiffId, ingest, stop.Token);
            await receiving;
            await pipe.Reader.CompleteAsync();
            return result;
        }
        catch (Exception fault)
        {
            // The receiver may wait for a silent registry, or for room in the pipe: both end here.
            await stop.CancelAsync();
            await pipe.Reader.CompleteAsync(fault);
            // What it says comes from here, or came through the pipe and is the fault.
            await receiving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancel.ThrowIfCancellationRequested();
            throw;
        }
    }

    private async Task<LayerResult> UnpackAsync(
        PipeReader input, LayerDescriptor layer, Digest expectedDiffId, LayerIngest ingest, CancellationToken cancel)
    {
        try
        {
            using var hash = new ContentHash(expectedDiffId);
            var archive = new DigestingStream(Decompress(input.AsStream(leaveOpen: true), layer.Compression), hash, limits.MaxBytes);
            using var reader = new TarReader(archive);
            using var applier = new LayerApplier(ingest, limits, log);
            await applier.ApplyAsync(reader, cancel);
            await reader.DrainAsync(cancel);
            // What follows the compressed stream belongs to the blob too: its digest is only known at the end.
            await input.CopyToAsync(Stream.Null, cancel);
            var diffId = hash.Finish();
            if (diffId != expectedDiffId)
            {
                throw new CorruptContentException($"layer {layer.Digest}: it unpacks to {diffId}, and the image's config says {expectedDiffId}; "
                    + "the image is inconsistent, build and push it anew");
            }
            return new LayerResult(archive.Count, ingest.Bytes, ingest.Inodes);
        }
        catch (Exception e) when (e is InvalidDataException or ZstdException or EndOfStreamException)
        {
            throw new CorruptContentException($"layer {layer.Digest}: {e.Message}; pull again, and if it stays so, the image is damaged: "
                + "build and push it anew", e);
        }
        catch (ResourceExhaustedException e)
        {
            throw new ResourceExhaustedException($"layer {layer.Digest}: {e.Message}; the image is not for this node, or the node's limit is too low", e);
        }
    }

    private static Stream Decompress(Stream blob, LayerCompression compression)
    {
        switch (compression)
        {
            case LayerCompression.Gzip:
                return new GZipStream(blob, CompressionMode.Decompress);
            case LayerCompression.Zstd:
                var zstd = new DecompressionStream(blob, SegmentSize, checkEndOfStream: true, leaveOpen: false);
                // 128 MiB: what the command line tool takes without being asked; a frame that wants more is refused.
                zstd.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, MaxWindowLog);
                return zstd;
            default:
                return blob;
        }
    }
}
