using System.Text;
using Spectre.Console;

namespace Gantry.Cli.Output;

/// <summary>
/// Where a run reads and writes. Text goes through <see cref="Out"/> and <see cref="Error"/>, bytes of containers through the
/// streams below them; colours and rewriting only where the other end is a terminal and NO_COLOR is unset.
/// </summary>
internal sealed class Screen : IDisposable
{
    private static readonly UTF8Encoding _utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private readonly Func<string, string?> _environment;

    public Screen(Stream output, Stream error, TextReader input, Func<string, string?> environment)
    {
        OutputStream = output;
        ErrorStream = error;
        Input = input;
        _environment = environment;
        Out = new StreamWriter(output, _utf8) { AutoFlush = false, NewLine = "\n" };
        Error = new StreamWriter(error, _utf8) { AutoFlush = true, NewLine = "\n" };
        OutputBytes = new BufferedStream(output, 32 << 10);
        ErrorBytes = new BufferedStream(error, 32 << 10);
    }

    public Stream OutputStream { get; }

    public Stream ErrorStream { get; }

    /// <summary>Containers' bytes, gathered; whoever writes flushes them.</summary>
    public Stream OutputBytes { get; }

    public Stream ErrorBytes { get; }

    public TextReader Input { get; }

    public TextWriter Out { get; }

    public TextWriter Error { get; }

    public bool OutputIsTerminal { get; init; }

    public bool ErrorIsTerminal { get; init; }

    public bool InputIsTerminal { get; init; }

    /// <summary>Columns of the terminal; without one, as many as the widest line needs.</summary>
    public int Width { get; init; } = 4096;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Set once a write to standard output failed: whoever read it has gone.</summary>
    public bool IsReaderGone { get; private set; }

    /// <summary>The process's own. Console's own reader, writers and width are not asked for (OutputStreams).</summary>
    public static Screen OfProcess() => new(
        OutputStreams.Open(1), OutputStreams.Open(2), new StreamReader(Console.OpenStandardInput(), _utf8), System.Environment.GetEnvironmentVariable)
    {
        OutputIsTerminal = !Console.IsOutputRedirected,
        ErrorIsTerminal = !Console.IsErrorRedirected,
        InputIsTerminal = !Console.IsInputRedirected,
        Width = Console.IsOutputRedirected ? 4096 : Math.Max(60, OutputStreams.Columns()),
    };

    public string? Environment(string name) => _environment(name);

    /// <summary>Writes a container's bytes as they are, in order with the text before them.</summary>
    public void WriteBytes(ReadOnlySpan<byte> bytes, bool toError)
    {
        Flush();
        (toError ? ErrorStream : OutputStream).Write(bytes);
    }

    /// <summary>A line beside the output: progress, advice. Untrusted text in it cannot move the cursor.</summary>
    public void Note(string message) => Error.WriteLine(PlainText.Of(message));

    public void Fail(string message)
    {
        Flush();
        Error.WriteLine("gantry: " + PlainText.OfLines(message));
    }

    public IAnsiConsole Ansi(bool toError)
    {
        var isTerminal = toError ? ErrorIsTerminal : OutputIsTerminal;
        var colours = isTerminal && string.IsNullOrEmpty(Environment("NO_COLOR")) && Environment("TERM") != "dumb";
        return AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = isTerminal && Environment("TERM") != "dumb" ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = colours ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new ScreenOutput(toError ? Error : Out, isTerminal, Width),
        });
    }

    public void Flush()
    {
        try
        {
            Out.Flush();
            OutputBytes.Flush();
            ErrorBytes.Flush();
        }
        catch (IOException)
        {
            IsReaderGone = true;
        }
    }

    public void Dispose()
    {
        Flush();
        Error.Flush();
    }
}
