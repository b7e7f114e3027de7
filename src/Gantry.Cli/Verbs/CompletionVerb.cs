using System.CommandLine;
using Gantry.Cli.Output;

namespace Gantry.Cli.Verbs;

/// <summary>
/// `gantry completion SHELL`: a script for the shell to source. It asks gantry itself at each Tab, through System.CommandLine's
/// [suggest] directive, and so offers names of pods and images too and needs no update when a verb is added.
/// </summary>
internal static class CompletionVerb
{
    private const string Bash = """
        # source <(gantry completion bash)
        _gantry() {
            local cur=${COMP_WORDS[COMP_CWORD]} line
            COMPREPLY=()
            # Bash splits words at ':' and '='; offer only what follows the last one typed.
            local whole=${COMP_LINE:0:COMP_POINT}; whole=${whole##*[[:space:]]}
            local typed=${whole%"$cur"}
            while IFS= read -r line; do
                [[ $line == "$whole"* ]] && COMPREPLY+=("${line#"$typed"}")
            done < <(gantry "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)
        }
        complete -o default -F _gantry gantry
        """;

    private const string Zsh = """
        #compdef gantry
        # source <(gantry completion zsh)
        _gantry() {
            local -a found
            found=("${(@f)$(gantry "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
            found=(${found:#})
            if (( ${#found} )); then compadd -- "${found[@]}"; else _files; fi
        }
        if [ "$funcstack[1]" = "_gantry" ]; then _gantry "$@"; else compdef _gantry gantry; fi
        """;

    private const string Fish = """
        # gantry completion fish | source
        function __gantry_complete
            set -l line (commandline -cp)
            gantry "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete -c gantry -a '(__gantry_complete)'
        """;

    public static Command Create(Screen screen)
    {
        var command = new Command("completion", "Print a completion script: source <(gantry completion bash)");
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        command.Arguments.Add(shell);
        command.SetAction(parsed =>
        {
            var script = parsed.GetRequiredValue(shell) switch
            {
                "zsh" => Zsh,
                "fish" => Fish,
                _ => Bash,
            };
            screen.Out.WriteLine(script);
            return ExitCode.Ok;
        });
        return command;
    }
}
