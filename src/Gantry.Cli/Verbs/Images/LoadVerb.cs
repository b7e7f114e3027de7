using System.CommandLine;
using System.IO.Pipelines;
using Gantry.Api;
using Gantry.Cli.Options;
using Gantry.Cli.Output;
using Google.Protobuf;
using Grpc.Core;

namespace Gantry.Cli.Verbs.Images;

/// <summary>`gantry image load`: images from an archive, a folder or standard input.</summary>
internal static class LoadVerb
{
    private const int ChunkSize = 256 << 10;

    public static Command Create(GlobalOptions global)
    {
        var command = new Command("load", "Take images from an archive (OCI or Docker, also gzip or zstd) or a folder.");
        command.Aliases.Add("import");
        var source = new Argument<string>("path") { Description = "A file, a folder, or - for standard input.", DefaultValueFactory = _ => "-" };
        var name = new Option<string>("--name") { Description = "For images whose archive names none, or a tag alone.", HelpName = "name", DefaultValueFactory = _ => "" };
        var pin = new Option<bool>("--pin") { Description = "Never collect them." };
        command.Arguments.Add(source);
        command.Options.Add(name);
        command.Options.Add(pin);
        global.Attach(command, fallbackLimit: null, async (session, parsed) =>
        {
            var first = new ImportImagesRequest { Name = parsed.GetRequiredValue(name), Pin = parsed.GetValue(pin) };
            var answer = await SendAsync(session, first, parsed.GetRequiredValue(source));
            foreach (var image in answer.Images)
                session.Screen.Out.WriteLine(PlainText.Of($"{image.Id} {string.Join(' ', image.Names)}".Trim()));
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<ImportImagesResponse> SendAsync(Session session, ImportImagesRequest first, string path)
    {
        using var call = session.Node.ImageStore.ImportImages(cancellationToken: session.Cancel);
        await call.RequestStream.WriteAsync(first, session.Cancel);
        try
        {
            if (Directory.Exists(path))
            {
                await SendFolderAsync(call.RequestStream, path, session.Cancel);
            }
            else
            {
                await using var archive = path == "-" ? Console.OpenStandardInput() : File.OpenRead(path);
                await SendAsync(call.RequestStream, archive, session.Cancel);
            }
            await call.RequestStream.CompleteAsync();
        }
        catch (RpcException)
        {
            // The daemon has refused already, and its answer says why.
        }
        return await call.ResponseAsync;
    }

    private static async Task SendFolderAsync(IClientStreamWriter<ImportImagesRequest> requests, string folder, CancellationToken cancel)
    {
        var pipe = new Pipe();
        var writing = WriteAsync();
        await SendAsync(requests, pipe.Reader.AsStream(), cancel);
        await writing;

        async Task WriteAsync()
        {
            Exception? fault = null;
            try
            {
                await ArchiveFolder.ReadAsync(folder, pipe.Writer.AsStream(), cancel);
            }
            catch (Exception e)
            {
                fault = e;
            }
            await pipe.Writer.CompleteAsync(fault);
        }
    }

    private static async Task SendAsync(IClientStreamWriter<ImportImagesRequest> requests, Stream archive, CancellationToken cancel)
    {
        var buffer = new byte[ChunkSize];
        int read;
        while ((read = await archive.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel)) > 0)
            await requests.WriteAsync(new ImportImagesRequest { Data = ByteString.CopyFrom(buffer.AsSpan(0, read)) }, cancel);
    }
}
