using System.CommandLine;
using Gantry.Api;
using Gantry.Cli.Naming;
using Gantry.Cli.Options;
using Gantry.Linux.Descriptors;
using Grpc.Core;

namespace Gantry.Cli.Verbs.Images;

/// <summary>`gantry image save`: images as an archive, to a file, a folder or standard output.</summary>
internal static class SaveVerb
{
    public static Command Create(GlobalOptions global, CompletionNames names)
    {
        var command = new Command("save", "Write images as an archive, for another node or tool.");
        command.Aliases.Add("export");
        var images = new Argument<string[]>("image") { Arity = ArgumentArity.OneOrMore, Description = "Names or ids of images." };
        images.CompletionSources.Add(_ => names.Images);
        var target = new Option<string>("--to", "-o") { Description = "A file, or a folder with --format *-dir; - for standard output.", HelpName = "path", DefaultValueFactory = _ => "-" };
        var format = new Option<string>("--format") { Description = "oci, docker, oci-dir or docker-dir.", HelpName = "format", DefaultValueFactory = _ => "oci" };
        format.AcceptOnlyFromAmong("oci", "docker", "oci-dir", "docker-dir");
        command.Arguments.Add(images);
        command.Options.Add(target);
        command.Options.Add(format);
        global.Attach(command, fallbackLimit: null, async (session, parsed) =>
        {
            var path = parsed.GetRequiredValue(target);
            var kind = parsed.GetRequiredValue(format);
            var asFolder = kind.EndsWith("-dir", StringComparison.Ordinal);
            if (path == "-" && (asFolder || session.Screen.OutputIsTerminal))
                throw CommandException.Usage(asFolder ? "a folder needs a path: --to DIR." : "an archive is no text for a terminal: give a file with --to, or a pipe.");
            var request = new ExportImagesRequest { Format = asFolder ? kind[..^4] : kind };
            request.Images.Add(parsed.GetRequiredValue(images));
            using var call = session.Node.ImageStore.ExportImages(request, cancellationToken: session.Cancel);
            if (asFolder)
                await ArchiveFolder.WriteAsync(new ChunkReader(call.ResponseStream), path, session.Cancel);
            else
                await WriteAsync(session, call.ResponseStream, path);
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task WriteAsync(Session session, IAsyncStreamReader<ExportImagesChunk> chunks, string path)
    {
        if (path == "-")
        {
            await foreach (var chunk in chunks.ReadAllAsync(session.Cancel))
                await session.Screen.OutputStream.WriteAsync(chunk.Data.Memory, session.Cancel);
            return;
        }
        // Beside the target: a half archive under its name would be taken for a whole one.
        var aside = path + ".part";
        try
        {
            await using (var file = File.Create(aside))
            {
                await foreach (var chunk in chunks.ReadAllAsync(session.Cancel))
                    await file.WriteAsync(chunk.Data.Memory, session.Cancel);
            }
            File.Move(aside, path, overwrite: true);
        }
        catch
        {
            File.Delete(aside);
            throw;
        }
    }

    /// <summary>The messages of an export, as one stream.</summary>
    private sealed class ChunkReader(IAsyncStreamReader<ExportImagesChunk> chunks) : ReadOnlyStream
    {
        private ReadOnlyMemory<byte> _rest;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (_rest.IsEmpty)
            {
                if (!await chunks.MoveNext(cancellationToken))
                    return 0;
                _rest = chunks.Current.Data.Memory;
            }
            var count = Math.Min(buffer.Length, _rest.Length);
            _rest[..count].CopyTo(buffer);
            _rest = _rest[count..];
            return count;
        }
    }
}
