using System.Runtime.InteropServices;
using System.Threading.Channels;
using Gantry.Linux.Descriptors;

namespace Gantry.Cli.Streaming;

/// <summary>
/// The user's terminal while a remote one is shown on it: raw where keys are passed on, and given back on every way out of
/// this program but SIGKILL.
/// </summary>
internal sealed class LocalTerminal : IDisposable
{
    private readonly FileDescriptor _file;
    private readonly RawTerminal? _raw;
    private readonly List<PosixSignalRegistration> _signals = [];
    private readonly Channel<TerminalSize> _sizes = Channel.CreateBounded<TerminalSize>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });

    private LocalTerminal(FileDescriptor file, RawTerminal? raw)
    {
        _file = file;
        _raw = raw;
        TellSize();
        _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => TellSize()));
        _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ =>
        {
            _raw?.Enter();
            TellSize();
        }));
        // What ends this program finds the terminal as it was; the signal then does what it does.
        foreach (var signal in (PosixSignal[])[PosixSignal.SIGHUP, PosixSignal.SIGTERM, PosixSignal.SIGQUIT, PosixSignal.SIGINT, PosixSignal.SIGTSTP])
            _signals.Add(PosixSignalRegistration.Create(signal, _ => _raw?.Dispose()));
        AppDomain.CurrentDomain.ProcessExit += OnExit;
        AppDomain.CurrentDomain.UnhandledException += OnExit;
    }

    /// <summary>Its size now, and after each change.</summary>
    public ChannelReader<TerminalSize> Sizes => _sizes.Reader;

    /// <summary>Takes over the terminal that standard input is; null where it is none.</summary>
    /// <param name="isTyped">Whether keys go to the remote side: each as it is typed, Ctrl-C among them.</param>
    public static LocalTerminal? TryEnter(bool isTyped)
    {
        var file = FileDescriptor.Duplicate(0);
        if (Terminal.IsTerminal(file))
            return new LocalTerminal(file, isTyped ? RawTerminal.TryEnter(file) : null);
        file.Dispose();
        return null;
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        AppDomain.CurrentDomain.UnhandledException -= OnExit;
        foreach (var signal in _signals)
            signal.Dispose();
        _raw?.Dispose();
        _file.Dispose();
    }

    private void OnExit(object? sender, EventArgs e) => _raw?.Dispose();

    private void TellSize()
    {
        if (Terminal.TryGetSize(_file) is var (columns, rows))
            _sizes.Writer.TryWrite(new TerminalSize(columns, rows));
    }
}
