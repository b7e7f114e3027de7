namespace Gantry.Containers.Selinux;

/// <summary>A security context, as "system_u:system_r:container_t:s0:c1,c2".</summary>
/// <param name="Level">Empty where the policy has no levels.</param>
public sealed record SelinuxContext(string User, string Role, string Type, string Level)
{
    /// <summary>Null for what is no context. The level may hold colons itself.</summary>
    public static SelinuxContext? TryParse(string text)
    {
        var parts = text.Split(':', 4);
        return parts.Length < 3 || parts.Any(part => part.Length == 0) ? null : new SelinuxContext(parts[0], parts[1], parts[2], parts.Length > 3 ? parts[3] : "");
    }

    /// <summary>A process's context with the parts of the label that are given.</summary>
    public SelinuxContext ForProcess(SelinuxLabel? asked) => asked is null
        ? this
        : new SelinuxContext(Or(asked.User, User), Or(asked.Role, Role), Or(asked.Type, Type), Or(asked.Level, Level));

    /// <summary>A file's context: its role and type are the policy's, not the process's.</summary>
    public SelinuxContext ForFile(SelinuxLabel? asked) => asked is null ? this : this with { User = Or(asked.User, User), Level = Or(asked.Level, Level) };

    /// <summary>The context without categories: of files that containers with any categories may use.</summary>
    public SelinuxContext WithoutCategories() => this with { Level = Level.Split(':', '-')[0] };

    public override string ToString() => Level.Length == 0 ? $"{User}:{Role}:{Type}" : $"{User}:{Role}:{Type}:{Level}";

    private static string Or(string given, string otherwise) => given.Length > 0 ? given : otherwise;
}
