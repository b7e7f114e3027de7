using System.Globalization;
using System.Text.Json;
using Gantry.Faults;

namespace Gantry.Pods.Local;

/// <summary>A value of a manifest together with its path, so that every error names the field that is wrong.</summary>
internal readonly struct ManifestNode(JsonElement element, string path)
{
    public string Path { get; } = path;

    public bool Exists => element.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    /// <summary>The field of that name; one that is missing does not exist, which is no error.</summary>
    public ManifestNode this[string name]
    {
        get
        {
            var path = Path.Length == 0 ? name : $"{Path}.{name}";
            if (!Exists)
                return new ManifestNode(default, path);
            if (element.ValueKind is not JsonValueKind.Object)
                throw Wrong("an object");
            return new ManifestNode(element.TryGetProperty(name, out var value) ? value : default, path);
        }
    }

    public IEnumerable<ManifestNode> Items()
    {
        if (!Exists)
            return [];
        if (element.ValueKind is not JsonValueKind.Array)
            throw Wrong("a list");
        var path = Path;
        return element.EnumerateArray().Select((item, index) => new ManifestNode(item, $"{path}[{index}]"));
    }

    public IEnumerable<string> FieldNames()
    {
        if (!Exists)
            return [];
        return element.ValueKind is JsonValueKind.Object ? element.EnumerateObject().Select(field => field.Name) : throw Wrong("an object");
    }

    public string Text(string missing = "") => !Exists ? missing : element.ValueKind is JsonValueKind.String ? element.GetString()! : throw Wrong("text");

    public string RequiredText()
    {
        var text = Text();
        return text.Length > 0 ? text : throw new InvalidRequestException($"pod manifest: {Path} is missing");
    }

    public bool Flag(bool missing = false) => !Exists ? missing : element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong("true or false"),
    };

    public long? Whole()
    {
        if (!Exists)
            return null;
        return element.ValueKind is JsonValueKind.Number && element.TryGetInt64(out var value) ? value : throw Wrong("a whole number");
    }

    /// <summary>A quantity of Kubernetes ("500m", "64Mi", 2), in thousandths of its unit.</summary>
    public long? Milli()
    {
        if (!Exists)
            return null;
        var text = element.ValueKind switch
        {
            JsonValueKind.String => element.GetString()!,
            JsonValueKind.Number => element.GetRawText(),
            _ => throw Wrong("a quantity"),
        };
        return Quantity.TryParseMilli(text, out var value) ? value : throw Wrong("a quantity, as 500m, 0.5 or 64Mi");
    }

    public IReadOnlyList<string> Texts() => [.. Items().Select(item => item.Text())];

    public IReadOnlyDictionary<string, string> Map()
    {
        var self = this;
        return FieldNames().ToDictionary(name => name, name => self[name].Text());
    }

    public T Choice<T>(T missing)
        where T : struct, Enum
    {
        if (!Exists)
            return missing;
        return Enum.TryParse<T>(Text(), out var value) && Enum.IsDefined(value) && !char.IsAsciiDigit(Text()[0])
            ? value
            : throw Wrong(string.Join(" or ", Enum.GetNames<T>()));
    }

    public InvalidRequestException Wrong(string expected) =>
        new(string.Create(CultureInfo.InvariantCulture, $"pod manifest: {Path} is {Shown()}, where {expected} is expected"));

    private string Shown()
    {
        var text = element.ValueKind is JsonValueKind.Undefined ? "missing" : element.GetRawText();
        return text.Length > 60 ? text[..60] + "…" : text;
    }
}
