namespace Gantry.Cli;

/// <summary>What `gantry` tells the shell; `gantry exec` alone passes on its command's own code instead.</summary>
internal static class ExitCode
{
    public const int Ok = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int Unreachable = 3;
    public const int NotFound = 4;

    /// <summary>128 + SIGPIPE, as a shell reports a program whose reader has left.</summary>
    public const int ReaderLeft = 141;

    /// <summary>128 + SIGINT, as a shell reports a program that was interrupted.</summary>
    public const int Interrupted = 130;
}
