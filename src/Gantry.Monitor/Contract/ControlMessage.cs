namespace Gantry.Monitor.Contract;

/// <summary>The lines that the daemon writes to a monitor's socket. Each is answered by "ok" or "error TEXT".</summary>
internal static class ControlMessage
{
    /// <summary>
    /// Keep this connection: it closes when the exit record is written. Where the disk is too full for that, the record comes
    /// over the connection, behind <see cref="Exit"/>; the first answer may be it.
    /// </summary>
    public const string Watch = "watch";

    /// <summary>Open the log's path anew.</summary>
    public const string ReopenLog = "reopen-log";

    /// <summary>End without a record: the container was deleted before it was started.</summary>
    public const string Stop = "stop";

    /// <summary>What begins an exit record on one line, its own lines divided by spaces.</summary>
    public const string Exit = "exit ";

    public const string Ok = "ok";

    public const string Error = "error ";

    /// <summary>The descriptor on which a new monitor tells "pid N" or "error TEXT".</summary>
    public const int ReportDescriptor = 3;

    public const string Pid = "pid ";
}
