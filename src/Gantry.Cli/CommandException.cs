namespace Gantry.Cli;

/// <summary>
/// Ends the command with a message for the user and an exit code. The message starts with the thing that failed and says,
/// where that is not plain, what to do; it is printed after "gantry: ".
/// </summary>
internal sealed class CommandException(int exitCode, string message, Exception? cause = null) : Exception(message, cause)
{
    public int ExitCode { get; } = exitCode;

    public static CommandException Failed(string message, Exception? cause = null) => new(Cli.ExitCode.Failed, message, cause);

    public static CommandException Usage(string message) => new(Cli.ExitCode.Usage, message);

    public static CommandException NotFound(string message) => new(Cli.ExitCode.NotFound, message);
}
