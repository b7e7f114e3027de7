using System.Text.RegularExpressions;
using Gantry.Faults;

namespace Gantry.Containers.Selinux;

/// <summary>
/// What the parts of a label may look like. A label becomes a mount's option and a line to the kernel: nothing that would mean
/// something there gets through.
/// </summary>
internal static partial class LabelSyntax
{
    private const int Longest = 255;
    private const string NameInWords = "a name of letters, digits, '_', '-' and '.'";

    /// <summary>Categories are single ones and ranges.</summary>
    private const string Category = @"c\d{1,4}(\.c\d{1,4})?";
    private const string OneLevel = $@"s\d{{1,2}}(:{Category}(,{Category})*)?";

    /// <param name="subject">As "container web".</param>
    /// <param name="label">Its empty parts are not given.</param>
    /// <exception cref="InvalidRequestException">Names the part that is malformed.</exception>
    public static void Check(string subject, SelinuxLabel? label)
    {
        if (label is null)
            return;
        Check(subject, "user", label.User, Name(), NameInWords);
        Check(subject, "role", label.Role, Name(), NameInWords);
        Check(subject, "type", label.Type, Name(), NameInWords);
        Check(subject, "level", label.Level, Level(), "a level as s0, s0:c1,c2 or s0-s0:c0.c1023");
    }

    private static void Check(string subject, string part, string value, Regex form, string expected)
    {
        if (value.Length > 0 && (value.Length > Longest || !form.IsMatch(value)))
            throw new InvalidRequestException($"{subject}: SELinux {part} '{value}' is not {expected}");
    }

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9_.-]*\z")]
    private static partial Regex Name();

    /// <summary>One level, or a low and a high one.</summary>
    [GeneratedRegex($@"^{OneLevel}(-{OneLevel})?\z")]
    private static partial Regex Level();
}
