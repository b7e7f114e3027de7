using System.CommandLine;
using Gantry.Cli.Output;

namespace Gantry.Cli.Options;

/// <summary>
/// A registry's user and password. A password on the command line is seen by everyone on the machine (ps), and so standard
/// input and the environment come first; USER:PASS is there because everyone's scripts have it.
/// </summary>
internal sealed class CredentialOptions
{
    private readonly Option<string?> _user = new("--creds")
    {
        Description = "User for the registry; the password from --password-stdin or $GANTRY_PASSWORD.",
        HelpName = "user[:password]",
    };

    private readonly Option<bool> _passwordFromInput = new("--password-stdin") { Description = "Read the password from standard input." };

    public static CredentialOptions Add(Command command)
    {
        var options = new CredentialOptions();
        command.Options.Add(options._user);
        command.Options.Add(options._passwordFromInput);
        return options;
    }

    /// <summary>Null where no user was given.</summary>
    public (string User, string Password)? Of(ParseResult parsed, Screen screen)
    {
        var fromInput = parsed.GetValue(_passwordFromInput);
        if (parsed.GetValue(_user) is not { Length: > 0 } given)
            return fromInput ? throw CommandException.Usage("--password-stdin needs the user: --creds USER.") : null;
        var colon = given.IndexOf(':', StringComparison.Ordinal);
        if (colon >= 0 && fromInput)
            throw CommandException.Usage("--creds has a password already; leave it out, or --password-stdin.");
        if (colon >= 0)
            return (given[..colon], given[(colon + 1)..]);
        var password = fromInput ? screen.Input.ReadLine() : screen.Environment("GANTRY_PASSWORD");
        return string.IsNullOrEmpty(password)
            ? throw CommandException.Usage($"no password for {given}: pipe it in with --password-stdin, or set GANTRY_PASSWORD.")
            : (given, password);
    }
}
