using Gantry.Linux.Descriptors;
using Gantry.Linux.Processes;

namespace Gantry.Oci;

/// <summary>
/// A process that was started in a running container, with its streams. Disposing closes the streams and leaves the process
/// to itself; <see cref="KillAsync"/> ends it.
/// </summary>
public sealed class RunningProcess : IAsyncDisposable
{
    private static readonly TimeSpan _killGrace = TimeSpan.FromSeconds(2);
    private readonly PidFd? _process;
    private bool _hasEnded;

    internal RunningProcess(int pid, long since, DescriptorStream? input, DescriptorStream output, DescriptorStream? errorOutput)
    {
        Pid = pid;
        Input = input;
        Output = output;
        ErrorOutput = errorOutput;
        ChildReaper.Claim(pid, since);
        _process = PidFd.TryOpen(pid);
    }

    /// <summary>In the node's PID namespace.</summary>
    public int Pid { get; }

    /// <summary>Null where no input was asked for. With a terminal, the terminal.</summary>
    public DescriptorStream? Input { get; }

    /// <summary>With a terminal, the terminal; reading ends when nobody has it open any more.</summary>
    public DescriptorStream Output { get; }

    /// <summary>Null with a terminal.</summary>
    public DescriptorStream? ErrorOutput { get; }

    /// <summary>Whether input and output are the two directions of a terminal.</summary>
    public bool HasTerminal => ErrorOutput is null;

    /// <summary>Waits for the process's end; children of its that live on are not waited for.</summary>
    /// <returns>0 to 255, or 128 + n for signal n.</returns>
    /// <exception cref="OperationCanceledException">The token ended the wait; the process goes on.</exception>
    public async Task<int> WaitAsync(CancellationToken cancel)
    {
        var code = await ChildReaper.ReapAsync(Pid, _process, cancel);
        _hasEnded = true;
        return code;
    }

    /// <summary>Kills the process with everything that it started, and waits for its end, but not for one that hangs in the kernel.</summary>
    public async Task KillAsync()
    {
        if (_hasEnded)
            return;
        ProcessTree.Kill(Pid);
        using var grace = new CancellationTokenSource(_killGrace);
        try
        {
            await WaitAsync(grace.Token);
        }
        catch (OperationCanceledException)
        {
            // It ends when the kernel lets it, and is reaped then.
        }
    }

    /// <summary>Sets the terminal's size; nothing happens without a terminal.</summary>
    public void Resize(int columns, int rows)
    {
        if (ErrorOutput is null)
            Terminal.SetSize(Output.File, columns, rows);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_hasEnded)
            ChildReaper.Release(Pid);
        _process?.Dispose();
        if (Input is not null)
            await Input.DisposeAsync();
        await Output.DisposeAsync();
        if (ErrorOutput is not null)
            await ErrorOutput.DisposeAsync();
    }
}
