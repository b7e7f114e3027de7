using System.IO.Pipelines;

namespace Gantry.Streaming;

/// <summary>One direction of a client's connection: what a process writes.</summary>
public abstract class RemoteOutput
{
    /// <summary>Takes everything and keeps nothing.</summary>
    public static RemoteOutput None { get; } = new Nowhere();

    /// <summary>Waits while the client takes no more.</summary>
    /// <exception cref="IOException">The client has left, or wants no more of this.</exception>
    public abstract ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel);

    /// <summary>Nothing more will come; a client that has left is fine.</summary>
    public abstract ValueTask FinishAsync();

    private sealed class Nowhere : RemoteOutput
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel) => ValueTask.CompletedTask;

        public override ValueTask FinishAsync() => ValueTask.CompletedTask;
    }
}

/// <summary>A client's streams of one command, whichever protocol carries them.</summary>
public abstract class RemoteCommand : IAsyncDisposable
{
    /// <summary>
    /// What the client sends to the process; null where it was not asked for. It completes when the client finishes it or
    /// leaves; reading may throw an IOException instead.
    /// </summary>
    public PipeReader? Input { get; protected init; }

    public RemoteOutput? Output { get; protected init; }

    public RemoteOutput? ErrorOutput { get; protected init; }

    /// <summary>The terminal's sizes, as JSON; null where they do not come.</summary>
    public PipeReader? Resizes { get; protected init; }

    /// <summary>Completes when the client is gone.</summary>
    public abstract Task Left { get; }

    /// <summary>Tells the client how it ended, after all output, and closes the connection once the client has read it.</summary>
    public abstract Task EndAsync(RemoteStatus status);

    /// <summary>Closes the connection at once.</summary>
    public abstract ValueTask DisposeAsync();
}
