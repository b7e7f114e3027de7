using System.IO.Pipelines;
using Gantry.Api;
using Gantry.Faults;
using Gantry.Images;
using Gantry.Images.Archives;
using Gantry.Images.Pulling;
using Gantry.Images.Registry.Hosts;
using Gantry.Images.Store;
using Google.Protobuf;
using Grpc.Core;

namespace Gantry.Cri;

/// <summary>gantry.v1's image part: what the CRI's ImageService lacks.</summary>
public sealed class ImagesService(Composition node) : GantryImages.GantryImagesBase
{
    private const int ChunkSize = 256 << 10;

    public override async Task<ExplainRegistryResponse> ExplainRegistry(ExplainRegistryRequest request, ServerCallContext context)
    {
        var image = ImageReference.Parse(request.Image);
        var response = new ExplainRegistryResponse { Image = image.ToString() };
        foreach (var host in await node.Registry.ExplainAsync(image, context.CancellationToken))
        {
            var message = new ExplainedHost { Url = host.Url, Role = host.Role, Repository = host.Repository, Credentials = host.Credentials, Reason = host.Reason };
            if (host.Capabilities.HasFlag(HostCapabilities.Pull))
                message.Capabilities.Add("pull");
            if (host.Capabilities.HasFlag(HostCapabilities.Resolve))
                message.Capabilities.Add("resolve");
            message.Notes.Add(host.Notes);
            response.Hosts.Add(message);
        }
        return response;
    }

    public override Task<ImageUsageResponse> ImageUsage(ImageUsageRequest request, ServerCallContext context)
    {
        var used = node.LayersInUse();
        var totals = ImageUsages.Total(node.Images, node.Snapshots, used);
        var disk = node.Storage.Layers.Space();
        var response = new ImageUsageResponse
        {
            BlobBytes = totals.BlobBytes,
            TreeBytes = totals.TreeBytes,
            Inodes = totals.Inodes,
            UnneededBytes = totals.UnneededBytes,
            FreeBytes = disk.AvailableBytes,
            TotalBytes = disk.TotalBytes,
        };
        foreach (var (holding, holds) in node.Storage.Disks)
        {
            var space = holding.Space();
            response.Disks.Add(new NodeDisk { MountPoint = holding.MountPoint, Holds = holds, FreeBytes = space.AvailableBytes, TotalBytes = space.TotalBytes });
        }
        foreach (var usage in ImageUsages.Of(node.Images, node.Snapshots, used))
        {
            var message = new ImageSpace
            {
                Id = usage.Image.Id.Value,
                BlobBytes = usage.BlobBytes,
                TreeBytes = usage.TreeBytes,
                SharedBytes = usage.SharedBytes,
                FreedBytes = usage.FreedBytes,
                Used = usage.IsUsed,
                Pinned = usage.Image.Pinned,
                Trust = usage.Image.Trust,
            };
            message.Names.Add(usage.Image.Names.Select(name => name.Text));
            response.Images.Add(message);
        }
        return Task.FromResult(response);
    }

    public override async Task<PruneImagesResponse> PruneImages(PruneImagesRequest request, ServerCallContext context)
    {
        var result = await node.ImagePruner.PruneAsync(request.All);
        var response = new PruneImagesResponse { FreedBytes = result.Collected.Bytes };
        response.Removed.Add(result.Removed.Select(image => image.Names.Count > 0 ? image.Names[0].Text : image.Id.Value));
        return response;
    }

    public override async Task<PinImageResponse> PinImage(PinImageRequest request, ServerCallContext context)
    {
        await node.Images.UpdateAsync(request.Image, image => image with { Pinned = request.Pinned });
        return new PinImageResponse();
    }

    public override async Task<TagImageResponse> TagImage(TagImageRequest request, ServerCallContext context)
    {
        var reference = ImageReference.Parse(request.Name);
        if (reference.Digest is not null)
            throw new InvalidRequestException($"'{request.Name}' has a digest in it: an image's digest is what it is, a tag can be given");
        using var use = node.Images.Use(request.Image) ?? throw new NotFoundException($"image {request.Image} is not on this node");
        var target = use.Image.Names.Count > 0 ? use.Image.Names[0].Target : use.Image.ManifestDigest;
        await node.Images.PutAsync(use.Image with { Names = [.. use.Image.Names, new ImageName(reference.ToString(), target)] });
        return new TagImageResponse();
    }

    public override async Task CheckImages(CheckImagesRequest request, IServerStreamWriter<CheckImagesProgress> responseStream, ServerCallContext context)
    {
        var summary = await node.ImageChecker.RunAsync(request.Repair, null, finding => responseStream.WriteAsync(new CheckImagesProgress
        {
            Finding = new CheckFinding { Image = finding.Image, Subject = finding.Subject, Problem = finding.Problem, Repair = finding.Repair, Repaired = finding.IsRepaired },
        }), context.CancellationToken);
        await responseStream.WriteAsync(new CheckImagesProgress { Summary = new CheckSummary { Blobs = summary.Blobs, Layers = summary.Trees, Bytes = summary.Bytes } });
    }

    public override async Task<ImportImagesResponse> ImportImages(IAsyncStreamReader<ImportImagesRequest> requestStream, ServerCallContext context)
    {
        var cancel = context.CancellationToken;
        var options = await requestStream.MoveNext(cancel) ? requestStream.Current : throw new InvalidRequestException("the archive is empty");
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 1 << 20, resumeWriterThreshold: 1 << 19, useSynchronizationContext: false));
        var receiving = ReceiveAsync(requestStream, pipe.Writer, cancel);
        try
        {
            var imported = await node.ImageImporter.ImportAsync(pipe.Reader.AsStream(), new ImportOptions(options.Name, options.Pin), cancel);
            await receiving;
            var response = new ImportImagesResponse();
            foreach (var image in imported)
            {
                var message = new ImportedImage { Id = image.Id.Value };
                message.Names.Add(image.Names.Select(name => name.Text));
                response.Images.Add(message);
            }
            return response;
        }
        finally
        {
            await pipe.Reader.CompleteAsync();
            await receiving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public override async Task ExportImages(ExportImagesRequest request, IServerStreamWriter<ExportImagesChunk> responseStream, ServerCallContext context)
    {
        var format = request.Format switch
        {
            "" or "oci" => ArchiveFormat.Oci,
            "docker" => ArchiveFormat.Docker,
            var other => throw new InvalidRequestException($"'{other}' is no format of an archive: oci or docker"),
        };
        await using var output = new ChunkStream(responseStream);
        // Bytes gather here: a message for each header and each blob's end would be many.
        await using var buffered = new BufferedStream(output, ChunkSize);
        await node.ImageExporter.ExportAsync(request.Images, format, buffered, context.CancellationToken);
        await buffered.FlushAsync(context.CancellationToken);
    }

    public override Task<ListPullsResponse> ListPulls(ListPullsRequest request, ServerCallContext context)
    {
        var response = new ListPullsResponse();
        response.Pulls.Add(node.Puller.Running.Select(Message));
        return Task.FromResult(response);
    }

    private static PullUnderWay Message(RunningPull pull) => new()
    {
        Image = pull.Image,
        Seconds = pull.Since.TotalSeconds,
        Stage = pull.Progress.Stage,
        BytesDone = pull.Progress.Layers.Sum(layer => layer.Done),
        BytesTotal = pull.Progress.Layers.Sum(layer => layer.Total),
    };

    private static async Task ReceiveAsync(IAsyncStreamReader<ImportImagesRequest> requests, PipeWriter writer, CancellationToken cancel)
    {
        Exception? fault = null;
        try
        {
            do
            {
                if ((await writer.WriteAsync(requests.Current.Data.Memory, cancel)).IsCompleted)
                    return;
            }
            while (await requests.MoveNext(cancel));
        }
        catch (Exception e)
        {
            fault = e;
        }
        finally
        {
            await writer.CompleteAsync(fault);
        }
    }

    /// <summary>A stream whose writes are messages.</summary>
    private sealed class ChunkStream(IServerStreamWriter<ExportImagesChunk> messages) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            for (var rest = buffer; !rest.IsEmpty; rest = rest[Math.Min(rest.Length, ChunkSize)..])
                await messages.WriteAsync(new ExportImagesChunk { Data = ByteString.CopyFrom(rest.Span[..Math.Min(rest.Length, ChunkSize)]) }, cancellationToken);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
