using Gantry.Concurrency;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux;
using Gantry.Linux.Files;
using Gantry.Snapshots;
using Microsoft.Extensions.Logging;
using ZstdSharp;

namespace Gantry.Images.Unpacking;

/// <summary>
/// One layer in one pass: source, digest and size, blob file, decompression, diff id, tree. Receiving is asynchronous;
/// unpacking has a thread of its own, which yields to everything else on the node. Several layers may run at once.
/// </summary>
public sealed class LayerPipeline(LayerLimits limits, ILogger log, RateLimit? writing = null)
{
    /// <summary>Compressed bytes from which decompressing has a thread of its own.</summary>
    private const long LargeLayer = 32 << 20;

    /// <summary>
    /// Unpacks a layer into <paramref name="ingest"/> and writes its blob aside. After a failure, both hold rubbish: the
    /// caller deletes them (the ingest by disposing it).
    /// </summary>
    /// <param name="source">The blob; read to its end, not disposed.</param>
    /// <param name="expectedDiffId">The image config's digest of the decompressed archive.</param>
    /// <param name="blobPathAside">Where to write the blob, for the caller to publish by a rename; null if it is there already.</param>
    /// <param name="progress">Told the number of bytes received so far.</param>
    /// <exception cref="CorruptContentException">Digest, size or diff id are wrong, or the archive is damaged.</exception>
    /// <exception cref="ResourceExhaustedException">It is larger than the limits allow, or the disk is full.</exception>
    /// <exception cref="IOException">The source failed.</exception>
    public Task<LayerResult> RunAsync(
        Stream source, LayerDescriptor layer, Digest expectedDiffId, string? blobPathAside, LayerIngest ingest,
        IProgress<long>? progress, CancellationToken cancel) =>
        RunAsync(source, layer, new LayerTarget(expectedDiffId, blobPathAside, ingest, NewBudget()), progress, cancel);

    /// <summary>The limits of one image, to be shared by its layers.</summary>
    internal LayerBudget NewBudget() => new(limits);

    /// <inheritdoc cref="RunAsync(Stream, LayerDescriptor, Digest, string?, LayerIngest, IProgress{long}?, CancellationToken)"/>
    internal async Task<LayerResult> RunAsync(Stream source, LayerDescriptor layer, LayerTarget target, IProgress<long>? progress, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var received = new BlockRing();
        using var decompressed = new BlockRing();
        var receiving = new BlobReceiver(source, layer, progress).RunAsync(received, stop.Token);
        var isLarge = layer.Size >= LargeLayer;
        var decompressing = isLarge ? BlockingWork.RunAsync("decompress", () => Decompress(received, decompressed, layer, target, stop.Token)) : Task.CompletedTask;
        try
        {
            return await BlockingWork.RunAsync("unpack", () =>
            {
                using Stream archive = isLarge ? new RingStream(decompressed, stop.Token) : new LayerArchive(received, layer, target, writing, stop.Token);
                return Unpack(archive, target, stop.Token);
            });
        }
        catch (Exception e)
        {
            cancel.ThrowIfCancellationRequested();
            Explain(BlockRingException.CauseOf(e), layer, target.Ingest);
            throw;
        }
        finally
        {
            // The receiver may wait for a silent registry, or for room in the ring: it ends here.
            await stop.CancelAsync();
            await receiving;
            await decompressing;
        }
    }

    /// <summary>
    /// The middle stage of a large layer, which all of the pull waits for: decompressing and writing files share the work of
    /// two processors. Small ones share them among themselves.
    /// </summary>
    private void Decompress(BlockRing input, BlockRing output, LayerDescriptor layer, LayerTarget target, CancellationToken cancel)
    {
        try
        {
            using var archive = new LayerArchive(input, layer, target, writing, cancel);
            int read;
            do
            {
                read = archive.Read(output.Rent(cancel).Span);
                output.Publish(read);
            }
            while (read > 0);
        }
        catch (Exception e)
        {
            output.Fail(BlockRingException.CauseOf(e));
        }
    }

    private LayerResult Unpack(Stream archive, LayerTarget target, CancellationToken cancel)
    {
        using var reader = new TarReader(archive);
        using var applier = new LayerApplier(target.Ingest, target.Budget, log);
        applier.Apply(reader, cancel);
        reader.Drain(cancel);
        return new LayerResult(reader.Count, target.Ingest.Bytes, target.Ingest.Inodes);
    }

    /// <summary>Throws what a stage's failure means, with what to do about it.</summary>
    private static void Explain(Exception e, LayerDescriptor layer, LayerIngest ingest)
    {
        switch (e)
        {
            case InvalidDataException or ZstdException or EndOfStreamException:
                throw new CorruptContentException($"layer {layer.Digest}: {e.Message}; pull again, and if it stays so, the image is damaged: "
                    + "build and push it anew", e);
            case SyscallException { IsExhaustion: true }:
                throw new ResourceExhaustedException($"layer {layer.Digest} could not be stored: {e.Message}; free some space in {ingest.TreePath}", e);
            case ResourceExhaustedException:
                throw new ResourceExhaustedException($"layer {layer.Digest}: {e.Message}; the image is not for this node, or the node's limit is too low", e);
            default:
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e);
                break;
        }
    }

    /// <summary>
    /// Receives a blob and does not unpack it: size and digest are verified while it is written aside.
    /// </summary>
    /// <exception cref="CorruptContentException">Size or digest are wrong.</exception>
    internal static async Task ReceiveAsync(Stream source, LayerDescriptor blob, string aside, IProgress<long>? progress, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var ring = new BlockRing();
        var receiving = new BlobReceiver(source, blob, progress).RunAsync(ring, stop.Token);
        try
        {
            await BlockingWork.RunAsync("receive", () =>
            {
                using var file = RegularFile.Create(aside, 0b110_000_000);
                using var reader = new BlobReader(ring, file, aside, stop.Token);
                reader.Drain();
            });
        }
        catch (BlockRingException e)
        {
            cancel.ThrowIfCancellationRequested();
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerException!);
            throw;
        }
        finally
        {
            await stop.CancelAsync();
            await receiving;
        }
    }

    /// <summary>Compares a tree with the blob on disk that it was made of; answers what differs.</summary>
    /// <exception cref="CorruptContentException">The blob does not unpack to what the image's config says.</exception>
    internal IReadOnlyList<string> Compare(Stream blob, LayerDescriptor layer, Digest diffId, string treePath, CancellationToken cancel)
    {
        try
        {
            using var tree = RegularFile.OpenDirectory(treePath);
            using var hash = new ContentHash(diffId);
            using var reader = new TarReader(new DigestingStream(LayerArchive.Decompress(blob, layer.Compression), hash, NewBudget(), null, cancel));
            var differences = new Checking.LayerCheck(tree, cancel).Run(reader);
            reader.Drain(cancel);
            return hash.Finish() == diffId ? differences : throw new CorruptContentException($"layer {layer.Digest} does not unpack to {diffId}");
        }
        catch (Exception e) when (e is InvalidDataException or ZstdException or EndOfStreamException)
        {
            throw new CorruptContentException($"layer {layer.Digest}: {e.Message}", e);
        }
        catch (SyscallException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR)
        {
            return [$"{treePath} is missing"];
        }
    }
}

/// <summary>What a layer is to become.</summary>
/// <param name="DiffId">The image config's digest of the decompressed archive.</param>
/// <param name="BlobAside">Where to write the blob; null if it is there already.</param>
internal sealed record LayerTarget(Digest DiffId, string? BlobAside, LayerIngest Ingest, LayerBudget Budget);
