using Gantry.Containers;
using Gantry.Cri.Api;
using Gantry.Faults;
using Gantry.Pods;
using NamespaceMode = Gantry.Containers.NamespaceMode;
using SupplementalGroupsPolicy = Gantry.Containers.SupplementalGroupsPolicy;

namespace Gantry.Cri.Translation;

/// <summary>Security contexts of pods and containers, with the deprecated fields that older kubelets still send.</summary>
internal static class SecurityFromCri
{
    private const string LocalhostPrefix = "localhost/";

    public static PodSecurity Translate(LinuxSandboxSecurityContext? given) => given is null ? new PodSecurity() : new PodSecurity
    {
        Namespaces = Sharing(given.NamespaceOptions),
        Selinux = Selinux(given.SelinuxOptions),
        RunAsUser = given.RunAsUser?.Value,
        RunAsGroup = given.RunAsGroup?.Value,
        ReadOnlyRootfs = given.ReadonlyRootfs,
        SupplementalGroups = [.. given.SupplementalGroups],
        SupplementalGroupsPolicy = Policy(given.SupplementalGroupsPolicy),
        Privileged = given.Privileged,
#pragma warning disable CS0612 // Deprecated by the API and sent by its older clients.
        Seccomp = Profile(given.Seccomp) ?? Profile(given.SeccompProfilePath),
#pragma warning restore CS0612
        AppArmor = Profile(given.Apparmor),
    };

    public static ContainerSecurity Translate(LinuxContainerSecurityContext? given) => given is null ? new ContainerSecurity() : new ContainerSecurity
    {
        Privileged = given.Privileged,
        Namespaces = Sharing(given.NamespaceOptions),
        Selinux = Selinux(given.SelinuxOptions),
        RunAsUser = given.RunAsUser?.Value,
        RunAsGroup = given.RunAsGroup?.Value,
        RunAsUserName = given.RunAsUsername,
        ReadOnlyRootfs = given.ReadonlyRootfs,
        SupplementalGroups = [.. given.SupplementalGroups],
        SupplementalGroupsPolicy = Policy(given.SupplementalGroupsPolicy),
        NoNewPrivileges = given.NoNewPrivs,
        MaskedPaths = [.. given.MaskedPaths],
        ReadOnlyPaths = [.. given.ReadonlyPaths],
#pragma warning disable CS0612 // Deprecated by the API and sent by its older clients.
        Seccomp = Profile(given.Seccomp) ?? Profile(given.SeccompProfilePath),
        AppArmor = Profile(given.Apparmor) ?? Profile(given.ApparmorProfile),
#pragma warning restore CS0612
        AddCapabilities = [.. given.Capabilities?.AddCapabilities ?? []],
        DropCapabilities = [.. given.Capabilities?.DropCapabilities ?? []],
        AddAmbientCapabilities = [.. given.Capabilities?.AddAmbientCapabilities ?? []],
    };

    private static NamespaceSharing Sharing(NamespaceOption? given) => given is null ? new NamespaceSharing() : new NamespaceSharing
    {
        Network = Mode(given.Network, "network"),
        Pid = Mode(given.Pid, "pid"),
        Ipc = Mode(given.Ipc, "ipc"),
        TargetId = given.TargetId,
        User = given.UsernsOptions is { } user ? UserNamespaceFromCri.Translate(user, given) : null,
    };

    private static NamespaceMode Mode(Api.NamespaceMode given, string field) => Enum.IsDefined(given)
        ? (NamespaceMode)(int)given
        : throw new InvalidRequestException($"namespace_options.{field}: {(int)given} is no mode that this runtime knows");

    private static SelinuxLabel? Selinux(SELinuxOption? given) => given is null ? null : new SelinuxLabel(given.User, given.Role, given.Type, given.Level);

    private static SupplementalGroupsPolicy Policy(Api.SupplementalGroupsPolicy given) => Enum.IsDefined(given)
        ? (SupplementalGroupsPolicy)(int)given
        : throw new InvalidRequestException($"supplemental_groups_policy {(int)given} is not one that this runtime knows");

    private static Containers.SecurityProfile? Profile(Api.SecurityProfile? given) => given is null ? null : given.ProfileType switch
    {
        Api.SecurityProfile.Types.ProfileType.RuntimeDefault => new Containers.SecurityProfile(ProfileKind.RuntimeDefault),
        Api.SecurityProfile.Types.ProfileType.Unconfined => new Containers.SecurityProfile(ProfileKind.Unconfined),
        Api.SecurityProfile.Types.ProfileType.Localhost => OfNode(given.LocalhostRef),
        _ => throw new InvalidRequestException($"security profile: {(int)given.ProfileType} is no type that this runtime knows"),
    };

    /// <summary>Clients write the older fields' prefix here too.</summary>
    private static Containers.SecurityProfile OfNode(string reference)
    {
        var name = reference.StartsWith(LocalhostPrefix, StringComparison.Ordinal) ? reference[LocalhostPrefix.Length..] : reference;
        return name.Length > 0
            ? new Containers.SecurityProfile(ProfileKind.Localhost, name)
            : throw new InvalidRequestException("a security profile of type Localhost needs localhost_ref");
    }

    private static Containers.SecurityProfile? Profile(string given) => given switch
    {
        "" => null,
        "runtime/default" or "docker/default" => new Containers.SecurityProfile(ProfileKind.RuntimeDefault),
        "unconfined" => new Containers.SecurityProfile(ProfileKind.Unconfined),
        _ when given.StartsWith(LocalhostPrefix, StringComparison.Ordinal) => OfNode(given),
        _ => throw new InvalidRequestException($"security profile '{PodSpecFromCri.Shown(given)}' is none of runtime/default, unconfined and localhost/…"),
    };
}
