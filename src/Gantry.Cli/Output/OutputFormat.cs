namespace Gantry.Cli.Output;

internal enum OutputFormat
{
    Table,
    Json,
    Yaml,

    /// <summary>Ids or names alone, one a line, for a shell's loops.</summary>
    Quiet,
}
