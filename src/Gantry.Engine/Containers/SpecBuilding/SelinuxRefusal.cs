using Gantry.Faults;

namespace Gantry.Containers.SpecBuilding;

/// <summary>
/// SELinux labels are not applied: a container that asks for one is refused, since it would be less confined than it was
/// asked to be. A label that confines nothing is fine: pods that must run on every node name it.
/// </summary>
internal static class SelinuxRefusal
{
    /// <summary>The type of containers that SELinux lets do everything.</summary>
    private const string Unconfined = "spc_t";

    /// <exception cref="InvalidRequestException">A label is asked for.</exception>
    public static void Check(ContainerSpec spec)
    {
        if (spec.Security.Privileged || spec.Security.Selinux is not { } label || label.Type == Unconfined || label is { User: "", Role: "", Type: "", Level: "" })
            return;
        var why = File.Exists("/sys/fs/selinux/enforce") ? "Gantry does not apply labels yet" : "this node's kernel has no SELinux (or it is switched off)";
        throw new InvalidRequestException($"container {spec.Name}: SELinux label {label.User}:{label.Role}:{label.Type}:{label.Level} is asked for, and {why}");
    }
}
