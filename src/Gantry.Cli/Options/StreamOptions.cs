using System.CommandLine;
using Gantry.Cli.Streaming;

namespace Gantry.Cli.Options;

/// <summary>The files of runtimes whose streaming server speaks TLS.</summary>
internal sealed class StreamOptions
{
    private readonly Option<string?> _authority = new("--tls-ca") { Description = "Who has signed the streaming server's certificate.", HelpName = "file" };
    private readonly Option<string?> _certificate = new("--tls-cert") { Description = "A certificate for a streaming server that asks for one.", HelpName = "file" };
    private readonly Option<string?> _key = new("--tls-key") { Description = "Its key.", HelpName = "file" };

    public static StreamOptions Add(Command command)
    {
        var options = new StreamOptions();
        foreach (var option in (Option<string?>[])[options._authority, options._certificate, options._key])
            command.Options.Add(option);
        return options;
    }

    public StreamTls Of(ParseResult parsed)
    {
        var (certificate, key) = (parsed.GetValue(_certificate), parsed.GetValue(_key));
        return (certificate is null) == (key is null)
            ? new StreamTls(parsed.GetValue(_authority), certificate, key)
            : throw CommandException.Usage("--tls-cert and --tls-key go together.");
    }
}
