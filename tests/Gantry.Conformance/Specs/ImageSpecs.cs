using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Conformance.Specs;

/// <summary>Images of the node.</summary>
internal static class ImageSpecs
{
    public static IReadOnlyList<Spec> All { get; } =
    [
        new("images/pull", "a pulled image is listed, and its status has id, tags, digests, size and spec", PullAsync),
        new("images/reference", "PullImage answers the image's id", ReferenceAsync),
        new("images/pull-again", "pulling an image again changes nothing", PullAgainAsync),
        new("images/by-digest", "an image is pulled and found by its digest", ByDigestAsync),
        new("images/many-names", "an image that was pulled under several tags has one id and all of them", ManyNamesAsync),
        new("images/remove", "removing an image by one name or by its id removes all of its names, and can be done again", RemoveAsync),
        new("images/absent", "the status of an image that is not there is empty, and no error", AbsentAsync),
        new("images/not-found", "an image that the registry does not have is an error that names it", NotFoundAsync),
        new("images/user", "an image's user is told as a number or as a name", UserAsync),
        new("images/whiteouts", "files that a layer took away are gone", WhiteoutsAsync),
        new("images/filesystem", "ImageFsInfo tells a real mount point and what is used", FilesystemAsync),
        new("images/concurrent", "the same image pulled many times at once is one image", ConcurrentAsync),
    ];

    private static async Task PullAsync(SpecContext cri)
    {
        await cri.PullAsync(cri.Settings.Nginx);
        var image = await StatusAsync(cri, cri.Settings.Nginx);
        Check.True(image!.Id.StartsWith("sha256:", StringComparison.Ordinal) && image.Id.Length == 71, image.Id);
        Check.True(image.RepoTags.Contains(cri.Settings.Nginx));
        Check.True(image.RepoDigests.Count > 0 && image.RepoDigests[0].Contains("@sha256:", StringComparison.Ordinal));
        Check.True(image.Size > 100_000);
        Check.True(image.Spec is { Image.Length: > 0 });
        var listed = (await cri.Images.ListImagesAsync(new ListImagesRequest())).Images.Single(other => other.Id == image.Id);
        Check.Equal(image, listed);
        Check.Equal(image.Id, (await StatusAsync(cri, image.Id))!.Id);
    }

    private static async Task ReferenceAsync(SpecContext cri)
    {
        var answer = await cri.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = cri.Settings.Busybox } });
        Check.Equal((await StatusAsync(cri, cri.Settings.Busybox))!.Id, answer.ImageRef);
    }

    private static async Task PullAgainAsync(SpecContext cri)
    {
        await cri.PullAsync(cri.Settings.Busybox);
        var before = await StatusAsync(cri, cri.Settings.Busybox);
        await cri.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = cri.Settings.Busybox } });
        Check.Equal(before, await StatusAsync(cri, cri.Settings.Busybox));
    }

    private static async Task ByDigestAsync(SpecContext cri)
    {
        await cri.PullAsync(cri.Settings.TestImage("layers"));
        var image = await StatusAsync(cri, cri.Settings.TestImage("layers"));
        var digest = image!.RepoDigests[0];
        await cri.Images.RemoveImageAsync(new RemoveImageRequest { Image = new ImageSpec { Image = image.Id } });
        var answer = await cri.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = digest } });
        Check.Equal(image.Id, answer.ImageRef);
        var again = await StatusAsync(cri, digest);
        Check.Equal(0, again!.RepoTags.Count);
        Check.Equal(digest, again.RepoDigests[0]);
    }

    private static async Task ManyNamesAsync(SpecContext cri)
    {
        var one = $"{cri.Settings.Registry}/test/names:1";
        var two = $"{cri.Settings.Registry}/test/names:2";
        await cri.PullAsync(one);
        await cri.PullAsync(two);
        var image = await StatusAsync(cri, one);
        Check.Equal(image!.Id, (await StatusAsync(cri, two))!.Id);
        Check.True(image.RepoTags.Contains(one) || (await StatusAsync(cri, two))!.RepoTags.Contains(one));
        var listed = (await cri.Images.ListImagesAsync(new ListImagesRequest())).Images.Where(other => other.Id == image.Id).ToList();
        Check.Equal(1, listed.Count);
        Check.True(listed[0].RepoTags.Contains(one) && listed[0].RepoTags.Contains(two));
    }

    private static async Task RemoveAsync(SpecContext cri)
    {
        var one = $"{cri.Settings.Registry}/test/names-to-remove:1";
        var two = $"{cri.Settings.Registry}/test/names-to-remove:2";
        await cri.PullAsync(one);
        await cri.PullAsync(two);
        await cri.Images.RemoveImageAsync(new RemoveImageRequest { Image = new ImageSpec { Image = one } });
        Check.True(await StatusAsync(cri, one) is null);
        Check.True(await StatusAsync(cri, two) is null);
        await cri.Images.RemoveImageAsync(new RemoveImageRequest { Image = new ImageSpec { Image = one } });

        await cri.PullAsync(one);
        await cri.PullAsync(two);
        var id = (await StatusAsync(cri, two))!.Id;
        Check.Equal(id, (await StatusAsync(cri, one))!.Id);
        await cri.Images.RemoveImageAsync(new RemoveImageRequest { Image = new ImageSpec { Image = id } });
        Check.True(await StatusAsync(cri, one) is null);
        Check.True(await StatusAsync(cri, two) is null);
    }

    private static async Task AbsentAsync(SpecContext cri)
    {
        Check.True(await StatusAsync(cri, $"{cri.Settings.Registry}/test/never-pulled:1") is null);
        Check.True(await StatusAsync(cri, "sha256:" + new string('0', 64)) is null);
    }

    private static async Task NotFoundAsync(SpecContext cri)
    {
        try
        {
            await cri.Images.PullImageAsync(new PullImageRequest { Image = new ImageSpec { Image = $"{cri.Settings.Registry}/test/no-such-image:1" } });
        }
        catch (RpcException e)
        {
            Check.True(e.StatusCode is StatusCode.NotFound or StatusCode.Unknown, e.Status.ToString());
            Check.Contains("no-such-image", e.Status.Detail);
            return;
        }
        throw new SpecFailedException("an image that is nowhere was pulled");
    }

    private static async Task UserAsync(SpecContext cri)
    {
        await cri.PullAsync(cri.Settings.TestImage("user"));
        var named = await StatusAsync(cri, cri.Settings.TestImage("user"));
        Check.Equal("app", named!.Username);
        Check.True(named.Uid is null);
        await cri.PullAsync(cri.Settings.TestImage("user-number"));
        var numbered = await StatusAsync(cri, cri.Settings.TestImage("user-number"));
        Check.Equal("", numbered!.Username);
        Check.Equal(1002L, numbered.Uid.Value);
    }

    private static async Task WhiteoutsAsync(SpecContext cri)
    {
        var image = await cri.PullAsync(cri.Settings.TestImage("layers"));
        var pod = await cri.RunPodAsync();
        var container = await pod.CreateAsync(pod.ContainerConfig(image, "sh", "-c", "echo $(ls /layers)"));
        await container.StartAsync();
        await container.WaitForExitAsync();
        Check.Equal("0 1 2 4 5\n", container.ReadLog("stdout"));
    }

    private static async Task FilesystemAsync(SpecContext cri)
    {
        await cri.PullAsync(cri.Settings.Busybox);
        var info = await cri.Images.ImageFsInfoAsync(new ImageFsInfoRequest());
        var first = info.ImageFilesystems[0];
        Check.True(first.Timestamp > 0);
        Check.True(first.UsedBytes.Value > 0 && first.InodesUsed.Value > 0);
        var mountPoints = File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')[4]).ToHashSet();
        var path = first.FsId.Mountpoint;
        while (path is { Length: > 1 } && !mountPoints.Contains(path) && !Directory.Exists(path))
            path = Path.GetDirectoryName(path);
        Check.True(path is not null && (mountPoints.Contains(path) || Directory.Exists(path)), first.FsId.Mountpoint);
    }

    private static async Task ConcurrentAsync(SpecContext cri)
    {
        var spec = new ImageSpec { Image = cri.Settings.TestImage("concurrent") };
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ => (await cri.Images.PullImageAsync(new PullImageRequest { Image = spec })).ImageRef));
        Check.Equal(1, answers.Distinct().Count());
        Check.Equal(1, (await cri.Images.ListImagesAsync(new ListImagesRequest())).Images.Count(image => image.Id == answers[0]));
    }

    private static async Task<Image?> StatusAsync(SpecContext cri, string image) =>
        (await cri.Images.ImageStatusAsync(new ImageStatusRequest { Image = new ImageSpec { Image = image } })).Image;
}
