using System.Globalization;
using System.Text;

namespace Gantry.Monitor.Contract;

/// <summary>What a monitor is told when it is started, in the file that its only argument names.</summary>
/// <param name="Id">The container's id.</param>
/// <param name="Runtime">The OCI runtime's path.</param>
/// <param name="HasRuntimeCopy">Whether <see cref="ControlMessage.RuntimeDescriptor"/> is a sealed copy of it.</param>
/// <param name="RuntimeArguments">Its arguments before "create", one a line.</param>
/// <param name="Bundle">The bundle, which becomes the monitor's working directory.</param>
/// <param name="LogPath">Absolute; empty for no log.</param>
/// <param name="ExitPath">Where the exit record goes.</param>
/// <param name="HasTerminal">Whether the container's process has a pty.</param>
/// <param name="HasInput">Whether its input is a pipe that attach can feed; otherwise it is /dev/null.</param>
/// <param name="HasInputOnce">Whether that pipe is closed when the first client that fed it has left.</param>
internal sealed record LaunchRequest(
    string Id, string Runtime, bool HasRuntimeCopy, IReadOnlyList<string> RuntimeArguments, string Bundle, string LogPath, string ExitPath, bool HasTerminal, bool HasInput, bool HasInputOnce)
{
    public const string FileName = "launch";

    /// <summary>The control socket's name in the bundle.</summary>
    public const string SocketName = "monitor.sock";

    public static LaunchRequest Parse(string text)
    {
        var values = KeyValueText.Parse(text);
        return new LaunchRequest(
            values["id"], values["runtime"], values.GetValueOrDefault("runtime-copy") == "1", values["arguments"].Split('\n', StringSplitOptions.RemoveEmptyEntries), values["bundle"], values["log"],
            values["exit"], values["terminal"] == "1", values["input"] == "1", values["input-once"] == "1");
    }

    public string ToText()
    {
        var text = new StringBuilder();
        KeyValueText.Append(text, "id", Id);
        KeyValueText.Append(text, "runtime", Runtime);
        KeyValueText.Append(text, "runtime-copy", HasRuntimeCopy ? "1" : "0");
        KeyValueText.Append(text, "arguments", string.Join('\n', RuntimeArguments));
        KeyValueText.Append(text, "bundle", Bundle);
        KeyValueText.Append(text, "log", LogPath);
        KeyValueText.Append(text, "exit", ExitPath);
        KeyValueText.Append(text, "terminal", HasTerminal ? "1" : "0");
        KeyValueText.Append(text, "input", HasInput ? "1" : "0");
        KeyValueText.Append(text, "input-once", HasInputOnce ? "1" : "0");
        return text.ToString();
    }
}

/// <summary>How a container ended, as its monitor saw it.</summary>
/// <param name="Code">0 to 255, or 128 + n for signal n.</param>
/// <param name="FinishedAt">Nanoseconds since the epoch.</param>
/// <param name="OomKilled">Whether the kernel killed a process of its cgroup for memory.</param>
internal sealed record ExitRecord(int Code, long FinishedAt, bool OomKilled)
{
    public static ExitRecord? TryParse(string text)
    {
        var values = KeyValueText.Parse(text);
        return values.TryGetValue("code", out var code) && values.TryGetValue("finished", out var finished) && values.TryGetValue("oom", out var oom)
            && int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var exitCode)
            && long.TryParse(finished, NumberStyles.None, CultureInfo.InvariantCulture, out var finishedAt)
            ? new ExitRecord(exitCode, finishedAt, oom == "1")
            : null;
    }

    public string ToText() => string.Create(CultureInfo.InvariantCulture, $"code={Code}\nfinished={FinishedAt}\noom={(OomKilled ? 1 : 0)}\n");

    /// <summary>As it comes over a connection.</summary>
    public string ToLine() => ControlMessage.Exit + ToText().TrimEnd('\n').Replace('\n', ' ');

    /// <summary>The record of such a line; null where it is none.</summary>
    public static ExitRecord? TryParseLine(string line) =>
        line.StartsWith(ControlMessage.Exit, StringComparison.Ordinal) ? TryParse(line[ControlMessage.Exit.Length..].Replace(' ', '\n')) : null;
}
