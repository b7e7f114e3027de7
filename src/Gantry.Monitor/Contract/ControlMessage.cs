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

    /// <summary>"resize COLUMNS ROWS": the terminal's size.</summary>
    public const string Resize = "resize ";

    /// <summary>
    /// After the answer this connection carries what the container writes to standard output, from now on, until it writes
    /// no more or this side does not read: what the kernel holds for it is bounded, and beyond it the monitor closes.
    /// </summary>
    public const string AttachOutput = "attach-output";

    /// <summary>As <see cref="AttachOutput"/>, of standard error.</summary>
    public const string AttachError = "attach-error";

    /// <summary>
    /// After the answer, what is written to this connection is the container's input. Its end is the input's end where the
    /// container was to have one client only.
    /// </summary>
    public const string AttachInput = "attach-input";

    /// <summary>
    /// After the answer this connection is the terminal, in both directions. The container's output waits for its reader,
    /// as a terminal's does; for one that takes nothing at all, not for long.
    /// </summary>
    public const string AttachTerminal = "attach-terminal";

    /// <summary>What begins an exit record on one line, its own lines divided by spaces.</summary>
    public const string Exit = "exit ";

    public const string Ok = "ok";

    public const string Error = "error ";

    /// <summary>The descriptor on which a new monitor tells "pid N" or "error TEXT".</summary>
    public const int ReportDescriptor = 3;

    /// <summary>The descriptor that a new monitor has of the OCI runtime's copy, if there is one.</summary>
    public const int RuntimeDescriptor = 4;

    public const string Pid = "pid ";
}
