using Gantry.Faults;

namespace Gantry.Containers.Selinux;

/// <summary>The contexts of a pod, kept in its record: all of its containers have them, but for what they ask for themselves.</summary>
public sealed record PodContexts(string Process, string File)
{
    /// <summary>The level of its processes; empty where the policy has none.</summary>
    public string Level() => SelinuxContext.TryParse(Process)?.Level ?? "";
}

/// <summary>A new pod's contexts, and its level until its record is written. Null on a node without labels.</summary>
public sealed record PodLabels(PodContexts? Contexts, HeldLevel? Level) : IDisposable
{
    public void Dispose() => Level?.Dispose();
}

/// <summary>Which contexts a container gets.</summary>
/// <param name="Process">Null for a container that is not confined.</param>
/// <param name="File">Of its root and its volumes.</param>
public sealed record ContainerLabels(string? Process, string File)
{
    /// <summary>What the pod's files must have so that this container can use them; null where they have it already.</summary>
    public string? SharedFile { get; init; }

    /// <summary>A container that may use every file needs no volume relabelled.</summary>
    public bool RelabelsVolumes { get; init; } = true;
}

/// <summary>
/// Decides on labels. Where the kernel has SELinux every container gets one, from the policy's defaults and what was asked
/// for; where it has not, one that asks for a label is refused: it would be less confined than it was asked to be.
/// </summary>
/// <param name="policy">This node's.</param>
/// <param name="isWanted">Whether the configuration wants labels.</param>
public sealed class SelinuxLabels(SelinuxPolicy policy, bool isWanted)
{
    /// <summary>The type of containers that SELinux lets do everything: pods that must run on every node name it.</summary>
    private const string Unconfined = "spc_t";

    private readonly SelinuxLevels _levels = new();

    /// <param name="pod">As messages name it.</param>
    /// <param name="asked">The pod's own label.</param>
    /// <param name="privileged">Whether the pod is privileged.</param>
    /// <param name="levelsInUse">The levels that pods' records name.</param>
    /// <exception cref="InvalidRequestException">The label is malformed, unknown to the policy, or cannot be applied here.</exception>
    public PodLabels ForPod(string pod, SelinuxLabel? asked, bool privileged, Func<IEnumerable<string>> levelsInUse)
    {
        var subject = $"pod {pod}";
        LabelSyntax.Check(subject, asked);
        if (ReadDefaults(out var reason) is not { } defaults)
        {
            Refuse(subject, asked, privileged, reason);
            return new PodLabels(null, null);
        }
        var hasOwnLevel = asked is { Level.Length: > 0 } || defaults.Process.Level.Length == 0;
        var held = hasOwnLevel ? null : _levels.Take(defaults.Process.WithoutCategories().Level, levelsInUse);
        try
        {
            var level = held is null ? asked : (asked ?? new SelinuxLabel("", "", "", "")) with { Level = held.Level };
            var (process, file) = (defaults.Process.ForProcess(level), defaults.File.ForFile(level));
            policy.Check(subject, process);
            policy.Check(subject, file);
            return new PodLabels(new PodContexts(process.ToString(), file.ToString()), held);
        }
        catch
        {
            held?.Dispose();
            throw;
        }
    }

    /// <param name="spec">What was asked for.</param>
    /// <param name="pod">The contexts of its pod; null where it has none.</param>
    /// <param name="podAsked">The pod's own label.</param>
    /// <returns>Null on a node without labels.</returns>
    /// <exception cref="InvalidRequestException">The label is malformed, unknown to the policy, or cannot be applied here.</exception>
    public ContainerLabels? ForContainer(ContainerSpec spec, PodContexts? pod, SelinuxLabel? podAsked)
    {
        var subject = $"container {spec.Name}";
        var asked = spec.Security.Selinux;
        LabelSyntax.Check(subject, asked);
        if (pod is null)
        {
            if (ReadDefaults(out var reason) is not null)
                reason = "its pod was made without labels: make the pod anew";
            Refuse(subject, IsAsked(asked) ? asked : podAsked, spec.Security.Privileged, reason);
            return null;
        }
        var process = Parse(pod.Process).ForProcess(asked);
        var file = Parse(pod.File).ForFile(asked);
        var isFree = spec.Security.Privileged || (SharesNode(spec.Security.Namespaces) && !IsAsked(asked) && !IsAsked(podAsked));
        // What the pod has was asked about when the pod was made.
        if (IsAsked(asked) && !isFree)
            policy.Check(subject, process);
        if (IsAsked(asked))
            policy.Check(subject, file);
        return new ContainerLabels(isFree ? null : process.ToString(), file.ToString())
        {
            SharedFile = file.ToString() == pod.File ? null : file.WithoutCategories().ToString(),
            RelabelsVolumes = process.Type != Unconfined,
        };
    }

    /// <summary>The labels of the pod's init process.</summary>
    public static ContainerLabels? ForInit(PodContexts? pod, bool privileged, NamespaceSharing namespaces, SelinuxLabel? podAsked) =>
        pod is null ? null : new ContainerLabels(privileged || (SharesNode(namespaces) && !IsAsked(podAsked)) ? null : pod.Process, pod.File);

    private DefaultContexts? ReadDefaults(out string reason)
    {
        reason = !isWanted ? "labels are switched off in Gantry's configuration (selinux = false)"
            : !policy.IsEnabled ? "this node's kernel has no SELinux (or it is switched off)"
            : "";
        if (reason.Length > 0)
            return null;
        reason = $"this node's policy does not say which labels containers get ({policy.ContextsOfType()}): install container-selinux";
        return policy.ReadDefaults();
    }

    private static void Refuse(string subject, SelinuxLabel? asked, bool privileged, string reason)
    {
        if (privileged || !IsAsked(asked) || asked is null || asked.Type == Unconfined)
            return;
        throw new InvalidRequestException($"{subject}: SELinux label {asked.User}:{asked.Role}:{asked.Type}:{asked.Level} is asked for, and {reason}");
    }

    /// <summary>A process that sees the node's own processes or memory has little to be kept apart from: it is labelled only where it asks.</summary>
    private static bool SharesNode(NamespaceSharing namespaces) => namespaces.Pid is NamespaceMode.Node || namespaces.Ipc is NamespaceMode.Node;

    private static bool IsAsked(SelinuxLabel? label) => label is not (null or { User: "", Role: "", Type: "", Level: "" });

    private static SelinuxContext Parse(string context) =>
        SelinuxContext.TryParse(context) ?? throw new WrongStateException($"the pod's record has '{context}', which is no SELinux context: make the pod anew");
}
