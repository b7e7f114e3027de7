using Gantry.Containers.Cdi;
using Gantry.Oci;
using Gantry.Oci.Spec;

namespace Gantry.Containers.SpecBuilding;

/// <summary>
/// What this node's files and settings add to a specification: vendors' devices (CDI), the AppArmor profile, and what the
/// handler's configuration says of annotations and privileged containers.
/// </summary>
public sealed class SpecFinisher(CdiRegistry devices, AppArmor appArmor)
{
    /// <param name="spec">As <see cref="SpecBuilder"/> made it.</param>
    /// <param name="asked">What was asked for.</param>
    /// <param name="place">What the pod lends.</param>
    /// <param name="handler">The runtime that will read the specification.</param>
    /// <exception cref="Faults.InvalidRequestException">A device's name is none, or this node cannot confine as it is asked to.</exception>
    /// <exception cref="Faults.WrongStateException">A device is described nowhere.</exception>
    public async Task<OciSpec> FinishAsync(OciSpec spec, ContainerSpec asked, ContainerPlace place, RuntimeHandler handler)
    {
        // A runtime obeys some annotations, and so may a vendor's: what the operator has not allowed reaches neither.
        var container = asked.Annotations.Where(annotation => handler.Allows(annotation.Key)).ToDictionary();
        var pod = place.PodAnnotations.Where(annotation => handler.Allows(annotation.Key));
        var names = asked.CdiDevices.Select(CdiName.Parse).Concat(CdiName.FromAnnotations(container));
        var finished = spec with
        {
            Process = spec.Process with { ApparmorProfile = await appArmor.ForAsync(asked.Name, asked.Security) },
            Annotations = Annotations(spec, container.Concat(pod)),
            Linux = asked.Security.Privileged && handler.PrivilegedWithoutHostDevices ? WithoutHostDevices(spec.Linux, asked) : spec.Linux,
        };
        return CdiApplier.Apply(finished, devices.Resolve(asked.Name, names));
    }

    /// <summary>The runtime's own come first, then the container's, then the pod's.</summary>
    private static Dictionary<string, string> Annotations(OciSpec spec, IEnumerable<KeyValuePair<string, string>> allowed)
    {
        var all = new Dictionary<string, string>(spec.Annotations ?? new Dictionary<string, string>());
        foreach (var (name, value) in allowed)
            all.TryAdd(name, value);
        return all;
    }

    private static OciLinux WithoutHostDevices(OciLinux linux, ContainerSpec asked)
    {
        var (own, rules) = Devices.For(asked with { Security = asked.Security with { Privileged = false } });
        return linux with { Devices = own, Resources = linux.Resources! with { Devices = rules } };
    }
}
