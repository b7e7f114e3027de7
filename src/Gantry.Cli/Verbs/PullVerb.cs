using System.CommandLine;
using Gantry.Cli.Options;
using Gantry.Cli.Output;
using Gantry.Cri.Api;
using Grpc.Core;

namespace Gantry.Cli.Verbs;

/// <summary>`gantry pull`: fetches an image; layer by layer on standard error, the image's id on standard output.</summary>
internal static class PullVerb
{
    public static Command Create(GlobalOptions global)
    {
        var command = new Command("pull", "Pull an image from its registry.");
        var image = new Argument<string>("image") { Description = "The image's name: nginx:1.19.10, registry.example/app@sha256:..." };
        var quiet = new Option<bool>("--quiet", "-q") { Description = "Print the image's id alone." };
        command.Arguments.Add(image);
        command.Options.Add(quiet);
        var credentials = CredentialOptions.Add(command);
        global.Attach(command, fallbackLimit: null, async (session, parsed) =>
        {
            var name = parsed.GetRequiredValue(image);
            var login = credentials.Of(parsed, session.Screen);
            var id = await ThroughGantryAsync(session, name, login, parsed.GetValue(quiet))
                ?? await ThroughCriAsync(session, name, login);
            session.Screen.Out.WriteLine(PlainText.Of(id));
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>Null where the endpoint does not speak gantry.v1.</summary>
    private static async Task<string?> ThroughGantryAsync(Session session, string image, (string User, string Password)? login, bool quiet)
    {
        var request = new Gantry.Api.PullImageRequest { Image = image, Username = login?.User ?? "", Password = login?.Password ?? "" };
        using var call = session.Node.Gantry.PullImage(request, cancellationToken: session.Cancel);
        var display = new PullDisplay(session.Screen);
        var id = "";
        try
        {
            await foreach (var progress in call.ResponseStream.ReadAllAsync(session.Cancel))
            {
                if (!quiet)
                    display.Show(progress);
                if (progress.ImageId.Length > 0)
                    id = progress.ImageId;
            }
        }
        catch (RpcException failure) when (failure.StatusCode == StatusCode.Unimplemented)
        {
            return null;
        }
        finally
        {
            display.Finish();
        }
        return id;
    }

    private static async Task<string> ThroughCriAsync(Session session, string image, (string User, string Password)? login)
    {
        var request = new PullImageRequest { Image = new ImageSpec { Image = image } };
        if (login is { } known)
            request.Auth = new AuthConfig { Username = known.User, Password = known.Password };
        var answer = await session.Node.Images.PullImageAsync(request, cancellationToken: session.Cancel);
        return answer.ImageRef;
    }
}
