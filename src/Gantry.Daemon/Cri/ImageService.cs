using System.Text.Json.Nodes;
using Gantry.Cri.Api;
using Gantry.Cri.Translation;
using Gantry.Faults;
using Gantry.Images;
using Gantry.Images.Registry;
using Gantry.Linux.Mounts;
using Gantry.Persistence;
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
            return Task.FromResult(response);
        response.Image = StatusToCri.Image(image);
        if (request.Verbose)
        {
            response.Info["info"] = new JsonObject
            {
                ["chainIDs"] = new JsonArray([.. image.ChainIds.Select(id => (JsonNode)id.Value)]),
                ["manifestDigest"] = image.ManifestDigest.Value,
                ["imageSpec"] = JsonNode.Parse(File.ReadAllText(node.Images.BlobPath(image.Id))),
            }.ToJsonString();
        }
        return Task.FromResult(response);
    }

    public override Task<RemoveImageResponse> RemoveImage(RemoveImageRequest request, ServerCallContext context)
    {
        var asked = request.Image?.Image ?? "";
        if (asked.Length == 0)
            throw new InvalidRequestException("image.image is empty");
        node.ImageRemover.Remove(asked, node.LayersInUse);
        return Task.FromResult(new RemoveImageResponse());
    }

    public override Task<ImageFsInfoResponse> ImageFsInfo(ImageFsInfoRequest request, ServerCallContext context)
    {
        var layers = node.Snapshots.List().Select(node.Snapshots.Usage).ToList();
        var blobs = node.Images.List().Sum(image => image.Size);
        // A real mount point: the kubelet drops the statistics of a path that is none.
        var mountPoint = MountTable.Holding(node.Paths.Root)?.MountPoint ?? "/";
        var usage = new FilesystemUsage
        {
            Timestamp = TimeProvider.System.Nanoseconds(),
            FsId = new FilesystemIdentifier { Mountpoint = mountPoint },
            UsedBytes = new UInt64Value { Value = (ulong)(layers.Sum(layer => layer.Bytes) + blobs) },
            InodesUsed = new UInt64Value { Value = (ulong)layers.Sum(layer => layer.Inodes) },
        };
        var response = new ImageFsInfoResponse();
        response.ImageFilesystems.Add(usage);
        response.ContainerFilesystems.Add(usage.Clone());
        return Task.FromResult(response);
    }

    private IEnumerable<Image> List(ImageFilter? filter)
    {
        var asked = filter?.Image?.Image ?? "";
        if (asked.Length == 0)
            return node.Images.List().Select(StatusToCri.Image);
        return node.Images.Find(asked) is { } image ? [StatusToCri.Image(image)] : [];
    }
}
