using System.Text;
using Spectre.Console;

namespace Gantry.Cli.Output;

/// <summary>What is drawn goes to a writer whose end and width are known: asking Console for them has a price (<see cref="OutputStreams.Open"/>).</summary>
internal sealed class ScreenOutput(TextWriter writer, bool isTerminal, int width) : IAnsiConsoleOutput
{
    public TextWriter Writer => writer;

    public bool IsTerminal => isTerminal;

    public int Width => width;

    /// <summary>Nothing that is drawn asks for it.</summary>
    public int Height => 24;

    public void SetEncoding(Encoding encoding)
    {
    }
}
