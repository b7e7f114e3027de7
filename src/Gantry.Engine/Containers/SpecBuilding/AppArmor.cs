using System.Text;
using Gantry.Faults;
using Gantry.Linux.Processes;
using Gantry.Persistence;

namespace Gantry.Containers.SpecBuilding;

/// <summary>
/// Which AppArmor profile a container gets. Without AppArmor in the kernel the default is none, and a profile that is asked
/// for by name is refused: a container must never be less confined than it was asked to be.
/// </summary>
/// <param name="root">The security file system's directory of AppArmor, as /sys/kernel/security/apparmor.</param>
/// <param name="parser">The program that loads profiles.</param>
/// <param name="folder">Where the default profile's text is written for it.</param>
public sealed class AppArmor(string root, string parser, string folder)
{
    public const string DefaultProfile = "gantry-default";
    private readonly SemaphoreSlim _loading = new(1);
    private bool _isLoaded;

    /// <summary>
    /// What a container may do by default: everything but what reaches beyond it. Distributions have profiles for runc and crun
    /// themselves, by whose names their signals come.
    /// </summary>
    internal const string DefaultText = """
        #include <tunables/global>

        profile gantry-default flags=(attach_disconnected,mediate_deleted) {
          #include <abstractions/base>

          network,
          capability,
          file,
          umount,
          signal (receive) peer=unconfined,
          signal (receive) peer=runc,
          signal (receive) peer=crun,
          signal (send,receive) peer=gantry-default,
          ptrace (trace,read,tracedby,readby) peer=gantry-default,

          deny mount,
          deny @{PROC}/* w,
          deny @{PROC}/sys/[^kn]** w,
          deny @{PROC}/sys/kernel/{?,??,[^s][^h][^m]**} w,
          deny @{PROC}/sysrq-trigger rwklx,
          deny @{PROC}/mem rwklx,
          deny @{PROC}/kmem rwklx,
          deny @{PROC}/kcore rwklx,
          deny /sys/[^f]*/** wklx,
          deny /sys/f[^s]*/** wklx,
          deny /sys/fs/[^c]*/** wklx,
          deny /sys/fs/c[^g]*/** wklx,
          deny /sys/fs/cg[^r]*/** wklx,
          deny /sys/firmware/** rwklx,
          deny /sys/kernel/security/** rwklx,
        }

        """;

    /// <summary>The kernel's own.</summary>
    public static AppArmor OfNode(string folder) => new("/sys/kernel/security/apparmor", "/sbin/apparmor_parser", folder);

    public bool IsEnabled => File.Exists($"{root}/profiles") && IsSwitchedOn();

    /// <summary>The profile's name for the OCI runtime; null for none.</summary>
    /// <exception cref="InvalidRequestException">The profile is not loaded, or this kernel has no AppArmor.</exception>
    /// <exception cref="WrongStateException">The program that loads the default profile is missing.</exception>
    public async Task<string?> ForAsync(string container, ContainerSecurity security)
    {
        var asked = security.AppArmor?.Kind;
        if (asked is ProfileKind.Localhost)
            return Localhost(container, security.AppArmor!.LocalhostReference);
        // A privileged container is confined only where a profile is named.
        if (security.Privileged)
            return null;
        if (!IsEnabled)
            return asked is ProfileKind.RuntimeDefault ? throw NotThere(container, "the default AppArmor profile") : null;
        if (asked is ProfileKind.Unconfined)
            return "unconfined";
        await LoadDefaultAsync(container);
        return DefaultProfile;
    }

    private string Localhost(string container, string name)
    {
        if (!IsEnabled)
            throw NotThere(container, $"AppArmor profile {name}");
        return IsLoaded(name)
            ? name
            : throw new InvalidRequestException($"container {container}: AppArmor profile {name} is not loaded on this node: load it with apparmor_parser");
    }

    private static InvalidRequestException NotThere(string container, string what) =>
        new($"container {container}: {what} is asked for, and this node's kernel has no AppArmor (or it is switched off)");

    private static bool IsSwitchedOn()
    {
        const string Switch = "/sys/module/apparmor/parameters/enabled";
        return !File.Exists(Switch) || File.ReadAllText(Switch).StartsWith('Y');
    }

    /// <summary>Lines as "name (enforce)".</summary>
    private bool IsLoaded(string name) => File.ReadLines($"{root}/profiles").Any(line => line.StartsWith($"{name} (", StringComparison.Ordinal));

    private async Task LoadDefaultAsync(string container)
    {
        await _loading.WaitAsync();
        try
        {
            // Once in the daemon's life even where it is there: an older version's may say something else.
            if (!_isLoaded || !IsLoaded(DefaultProfile))
                await RunParserAsync(container);
            _isLoaded = true;
        }
        finally
        {
            _loading.Release();
        }
    }

    private async Task RunParserAsync(string container)
    {
        if (!File.Exists(parser))
        {
            if (IsLoaded(DefaultProfile))
                return;
            throw new WrongStateException($"container {container}: this kernel has AppArmor, and {parser} to load the default profile is missing: install the package apparmor");
        }
        var file = Path.Combine(folder, "apparmor-default");
        AtomicFile.Write(file, Encoding.UTF8.GetBytes(DefaultText));
        var result = await ToolRunner.RunAsync(new ToolRequest(parser, ["-Kr", file]), CancellationToken.None);
        if (result.ExitCode == 0)
            return;
        var words = Encoding.UTF8.GetString(result.ErrorOutput).Trim();
        throw new ToolFailedException($"container {container}: {parser} did not load the default profile: {words}", result.ExitCode, words);
    }
}
