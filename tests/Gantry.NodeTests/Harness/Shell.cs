using System.Diagnostics;

namespace Gantry.NodeTests.Harness;

/// <summary>What a program came to.</summary>
public sealed record ShellResult(int Code, string Output, string Error)
{
    /// <summary>Both streams, for messages.</summary>
    public string Text => Output + Error;

    /// <summary>Where both streams are one to the caller.</summary>
    public void Deconstruct(out int code, out string text) => (code, text) = (Code, Text);
}

/// <summary>Runs programs of this machine and waits for them.</summary>
internal static class Shell
{
    /// <summary>Makes a program of a script's text.</summary>
    public static void WriteScript(string path, string text)
    {
        File.WriteAllText(path, text + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>What the program wrote; it must succeed.</summary>
    public static string Run(string program, params string[] arguments)
    {
        var result = Capture(program, arguments);
        return result.Code == 0 ? result.Text : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {result.Code}: {result.Text}");
    }

    public static (int Code, string Output) Try(string program, params string[] arguments)
    {
        var result = Capture(program, arguments);
        return (result.Code, result.Text);
    }

    public static ShellResult Capture(string program, params string[] arguments)
    {
        using var process = Start(program, arguments);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new ShellResult(process.ExitCode, output, errors.Result);
    }

    /// <summary>Starts a program whose streams are the caller's.</summary>
    public static Process Start(string program, params string[] arguments) => Process.Start(
        new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;

    /// <summary>The same, with SIGINT as a terminal's programs have it: what runs the tests in the background may have left it ignored.</summary>
    public static Process StartInForeground(string program, params string[] arguments) => Start("env", ["--default-signal=INT", program, .. arguments]);
}
