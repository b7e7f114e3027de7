using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Gantry.Faults;
using Gantry.Persistence;

namespace Gantry.Networking;

/// <summary>
/// A network configuration that is made when the kubelet tells the node's pod CIDRs: the templates of containerd's
/// conf_template. Of Go's template language it has what such templates use: values (.PodCIDR, .PodCIDRRanges, .Routes,
/// variables), range over a list, and if.
/// </summary>
public sealed partial class CniTemplate
{
    private readonly List<string> _parts;
    private readonly string _file;
    private int _at;

    private CniTemplate(string text, string file)
    {
        // Text and actions take turns: the regular expression's groups stay in what Split returns.
        _parts = [.. Action().Split(text)];
        _file = file;
    }

    /// <summary>Fills a template.</summary>
    /// <param name="text">The template.</param>
    /// <param name="file">For messages.</param>
    /// <param name="cidrs">The node's pod CIDRs, the first one first.</param>
    /// <exception cref="InvalidRequestException">The template says something that is not understood.</exception>
    public static string Fill(string text, string file, IReadOnlyList<string> cidrs)
    {
        var values = new Dictionary<string, object>
        {
            [".PodCIDR"] = cidrs[0],
            [".PodCIDRRanges"] = cidrs,
            [".Routes"] = cidrs.Select(cidr => cidr.Contains(':') ? "::/0" : "0.0.0.0/0").Distinct().ToList(),
        };
        var template = new CniTemplate(text, file);
        var filled = template.Run(values, out var end);
        return end.Length == 0 ? filled : throw template.Wrong(end);
    }

    /// <summary>Writes the network's file where the directory holds no other configuration than it, or none.</summary>
    /// <returns>Whether something was written.</returns>
    /// <exception cref="InvalidRequestException">The template, or what it makes, is no configuration.</exception>
    public static bool Install(string templateFile, string directory, IReadOnlyList<string> cidrs)
    {
        Directory.CreateDirectory(directory);
        var target = Path.Combine(directory, DefaultConflist.FileName);
        if (Directory.EnumerateFiles(directory).Any(file => file != target && Path.GetExtension(file) is ".conflist" or ".conf" or ".json"))
            return false;
        if (!File.Exists(templateFile))
            throw new InvalidRequestException($"cni.conf_template {templateFile} does not exist");
        var text = Fill(File.ReadAllText(templateFile), templateFile, cidrs);
        CniNetwork.Parse(text, $"what {templateFile} makes");
        if (File.Exists(target) && File.ReadAllText(target) == text)
            return false;
        AtomicFile.Write(target, text, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        return true;
    }

    /// <summary>The CIDRs of a kubelet's message, which has several behind one another with commas.</summary>
    /// <exception cref="InvalidRequestException">One is none.</exception>
    public static IReadOnlyList<string> ParseCidrs(string text)
    {
        var cidrs = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return cidrs.FirstOrDefault(cidr => !IPNetwork.TryParse(cidr, out _)) is { } wrong
            ? throw new InvalidRequestException($"pod_cidr '{wrong}' is no range of addresses")
            : cidrs;
    }

    /// <summary>Runs to the end of the text, or of the block; <paramref name="end"/> is the action that ended it, empty at the end of the text.</summary>
    private string Run(Dictionary<string, object> values, out string end)
    {
        var text = new StringBuilder();
        while (_at < _parts.Count)
        {
            text.Append(_parts[_at++]);
            if (_at == _parts.Count)
                break;
            var action = _parts[_at++].Trim();
            if (action is "end" or "else")
            {
                end = action;
                return text.ToString();
            }
            text.Append(Act(action, values));
        }
        end = "";
        return text.ToString();
    }

    private string Act(string action, Dictionary<string, object> values)
    {
        if (RangeOver().Match(action) is { Success: true } range)
            return Repeat(range, values, action);
        if (action.StartsWith("if ", StringComparison.Ordinal))
            return Choose(IsTrue(Value(action[3..].Trim(), values)), values, action);
        return Value(action, values) as string ?? throw Wrong(action);
    }

    private string Repeat(Match range, Dictionary<string, object> values, string action)
    {
        if (Value(range.Groups["list"].Value, values) is not IReadOnlyList<string> list)
            throw Wrong(action);
        var start = _at;
        var text = new StringBuilder();
        for (var n = 0; n < list.Count; n++)
        {
            _at = start;
            var inner = new Dictionary<string, object>(values) { ["."] = list[n] };
            if (range.Groups["index"].Success)
                inner[range.Groups["index"].Value] = n;
            if (range.Groups["item"].Success)
                inner[range.Groups["item"].Value] = list[n];
            text.Append(Run(inner, out var end));
            if (end != "end")
                throw Wrong(action);
        }
        return text.ToString();
    }

    private string Choose(bool isTrue, Dictionary<string, object> values, string action)
    {
        var first = Run(values, out var end);
        var second = end == "else" ? Run(values, out end) : "";
        return end == "end" ? isTrue ? first : second : throw Wrong(action);
    }

    private object Value(string name, Dictionary<string, object> values) => values.TryGetValue(name, out var value) ? value : throw Wrong(name);

    private static bool IsTrue(object value) => value switch
    {
        int number => number != 0,
        string text => text.Length > 0,
        IReadOnlyList<string> list => list.Count > 0,
        _ => true,
    };

    private InvalidRequestException Wrong(string action) => new($"{_file}: '{{{{{action}}}}}' is not understood here");

    [GeneratedRegex(@"\{\{-?(.*?)-?\}\}", RegexOptions.Singleline)]
    private static partial Regex Action();

    [GeneratedRegex(@"^range\s+(?:(?:(?<index>\$\w+)\s*,\s*)?(?<item>\$\w+)\s*:=\s*)?(?<list>[.$]\w+)$")]
    private static partial Regex RangeOver();
}
