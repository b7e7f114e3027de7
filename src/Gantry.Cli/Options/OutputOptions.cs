using System.CommandLine;
using Gantry.Cli.Output;

namespace Gantry.Cli.Options;

/// <summary>-o and -q, the same for each listing.</summary>
internal sealed class OutputOptions
{
    private readonly Option<string?> _format;
    private readonly Option<bool>? _quiet;
    private readonly OutputFormat _default;

    private OutputOptions(Option<string?> format, Option<bool>? quiet, OutputFormat fallback)
    {
        _format = format;
        _quiet = quiet;
        _default = fallback;
    }

    public static OutputOptions AddListing(Command command)
    {
        var options = Add(command, OutputFormat.Table, withTable: true, new Option<bool>("--quiet", "-q") { Description = "Print ids alone." });
        return options;
    }

    /// <summary>For verbs that print one thing: a few lines for people unless -o says otherwise.</summary>
    public static OutputOptions AddSingle(Command command) => Add(command, OutputFormat.Table, withTable: true, quiet: null);

    /// <summary>For `inspect`, which has no table.</summary>
    public static OutputOptions AddDocument(Command command) => Add(command, OutputFormat.Json, withTable: false, quiet: null);

    public OutputFormat Of(ParseResult parsed)
    {
        if (_quiet is not null && parsed.GetValue(_quiet))
            return OutputFormat.Quiet;
        return parsed.GetValue(_format) switch
        {
            "json" => OutputFormat.Json,
            "yaml" => OutputFormat.Yaml,
            "table" => OutputFormat.Table,
            _ => _default,
        };
    }

    private static OutputOptions Add(Command command, OutputFormat fallback, bool withTable, Option<bool>? quiet)
    {
        string[] formats = withTable ? ["table", "json", "yaml"] : ["json", "yaml"];
        var format = new Option<string?>("--output", "-o") { Description = $"How to print: {string.Join(", ", formats)}.", HelpName = "format" };
        format.AcceptOnlyFromAmong(formats);
        command.Options.Add(format);
        if (quiet is not null)
            command.Options.Add(quiet);
        return new OutputOptions(format, quiet, fallback);
    }
}
