using System.Text.Json.Nodes;
using Gantry.Cri.Api;
using Gantry.Cri.Translation;
using Gantry.Faults;
using Gantry.Images;
using Gantry.Images.Registry.Access;
using Gantry.Persistence;
using Gantry.Statistics;
using Grpc.Core;

namespace Gantry.Cri;

/// <summary>The CRI's ImageService.</summary>
public sealed class ImageService(Composition node) : Api.ImageService.ImageServiceBase
{
    public override async Task<PullImageResponse> PullImage(PullImageRequest request, ServerCallContext context)
    {
        var reference = ImageReference.Parse(request.Image?.Image ?? "");
        var auth = request.Auth;
        var credentials = auth is null ? null : RegistryCredentials.From(auth.Username, auth.Password, auth.Auth, auth.IdentityToken, auth.RegistryToken);
        var image = await node.Puller.PullAsync(reference, credentials, null, context.CancellationToken);
        return new PullImageResponse { ImageRef = image.Id.Value };
    }

    public override Task<ListImagesResponse> ListImages(ListImagesRequest request, ServerCallContext context)
    {
        var response = new ListImagesResponse();
        response.Images.Add(List(request.Filter));
        return Task.FromResult(response);
    }

    public override Task StreamImages(StreamImagesRequest request, IServerStreamWriter<StreamImagesResponse> responseStream, ServerCallContext context) =>
        StreamBatches.SendAsync(List(request.Filter), batch => new StreamImagesResponse { Images = { batch } }, responseStream, context.CancellationToken);

    public override Task<ImageStatusResponse> ImageStatus(ImageStatusRequest request, ServerCallContext context)
    {
        var asked = request.Image?.Image ?? "";
        if (asked.Length == 0)
            throw new InvalidRequestException("image.image is empty");
        var response = new ImageStatusResponse();
        if (node.Images.Find(asked) is not { } image)
        {
            if (request.Verbose && PullOf(asked) is { } pull)
                response.Info["pull"] = pull.ToJsonString();
            return Task.FromResult(response);
        }
        response.Image = StatusToCri.Image(image);
        if (request.Verbose)
        {
            response.Info["info"] = new JsonObject
            {
                ["chainIDs"] = new JsonArray([.. image.ChainIds.Select(id => (JsonNode)id.Value)]),
                ["manifestDigest"] = image.ManifestDigest.Value,
                ["names"] = new JsonArray([.. image.Names.Select(name => (JsonNode)name.Text)]),
                ["layers"] = new JsonArray([.. image.Layers.Select(layer => (JsonNode)layer.Digest.Value)]),
                ["unpackedBytes"] = image.ChainIds.Sum(id => node.Snapshots.Usage(id).Bytes),
                ["pinned"] = image.Pinned,
                ["trust"] = image.Trust.Length > 0 ? image.Trust : "nothing asked for a signature",
                ["imageSpec"] = JsonNode.Parse(File.ReadAllText(node.Images.BlobPath(image.Id))),
            }.ToJsonString();
        }
        return Task.FromResult(response);
    }

    /// <summary>How far a pull of that name is; null where none is under way.</summary>
    private JsonObject? PullOf(string asked)
    {
        var name = ImageReference.TryParse(asked, out _)?.ToString();
        return node.Puller.Running.FirstOrDefault(pull => pull.Image == name) is not { } pull ? null : new JsonObject
        {
            ["stage"] = pull.Progress.Stage,
            ["seconds"] = pull.Since.TotalSeconds,
            ["layers"] = new JsonArray([.. pull.Progress.Layers.Select(layer => (JsonNode)new JsonObject
            {
                ["digest"] = layer.Digest.Value,
                ["state"] = layer.State,
                ["bytesDone"] = layer.Done,
                ["bytesTotal"] = layer.Total,
            })]),
        };
    }

    public override async Task<RemoveImageResponse> RemoveImage(RemoveImageRequest request, ServerCallContext context)
    {
        var asked = request.Image?.Image ?? "";
        if (asked.Length == 0)
            throw new InvalidRequestException("image.image is empty");
        await node.ImageRemover.RemoveAsync(asked);
        return new RemoveImageResponse();
    }

    public override Task<ImageFsInfoResponse> ImageFsInfo(ImageFsInfoRequest request, ServerCallContext context)
    {
        // From memory: the kubelet asks every few seconds, and a walk over the trees could take longer than that.
        var (trees, blobs, disks) = (node.Snapshots.Total, node.Images.Blobs, node.Storage);
        var response = new ImageFsInfoResponse();
        if (disks.Blobs.MountPoint == disks.Layers.MountPoint)
            response.ImageFilesystems.Add(Usage(disks.Layers, trees.Bytes + blobs.TotalBytes, trees.Inodes + blobs.Count));
        else
            // The kubelet reads the first alone: where layers are is what fills up.
            response.ImageFilesystems.Add([Usage(disks.Layers, trees.Bytes, trees.Inodes), Usage(disks.Blobs, blobs.TotalBytes, blobs.Count)]);
        response.ContainerFilesystems.Add(ContainerUsage(response.ImageFilesystems[0]));
        return Task.FromResult(response);
    }

    /// <summary>Writable layers are where the images' are, but for a node whose containers folder is a disk of its own.</summary>
    private FilesystemUsage ContainerUsage(FilesystemUsage images)
    {
        if (node.Storage.Containers.MountPoint == images.FsId.Mountpoint)
            return images.Clone();
        var written = node.Statistics.WritableLayers();
        return Usage(node.Storage.Containers, written.Bytes, written.Inodes);
    }

    private static FilesystemUsage Usage(StorageDisk disk, long bytes, long inodes) => new()
    {
        Timestamp = TimeProvider.System.Nanoseconds(),
        FsId = new FilesystemIdentifier { Mountpoint = disk.MountPoint },
        UsedBytes = new UInt64Value { Value = (ulong)bytes },
        InodesUsed = new UInt64Value { Value = (ulong)inodes },
    };

    private IEnumerable<Image> List(ImageFilter? filter)
    {
        var asked = filter?.Image?.Image ?? "";
        if (asked.Length == 0)
            return node.Images.List().Select(StatusToCri.Image);
        return node.Images.Find(asked) is { } image ? [StatusToCri.Image(image)] : [];
    }
}
