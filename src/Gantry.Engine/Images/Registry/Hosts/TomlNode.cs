using Gantry.Faults;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace Gantry.Images.Registry.Hosts;

/// <summary>A value of a TOML file, with the line that it is on; readers ask for the type that they expect.</summary>
internal sealed class TomlNode
{
    private readonly object? _value;
    private readonly string _place;

    private TomlNode(object? value, string place)
    {
        _value = value;
        _place = place;
    }

    /// <summary>Reads a file whole.</summary>
    /// <exception cref="WrongStateException">It is no TOML; names file and line.</exception>
    public static TomlNode Parse(string text, string file)
    {
        var document = SyntaxParser.Parse(text, file);
        if (document.HasErrors)
            throw new WrongStateException($"{document.Diagnostics[0]}: correct the registry configuration");
        var root = new TomlNode(new Dictionary<string, TomlNode>(StringComparer.Ordinal), $"{file}(1)");
        foreach (var pair in document.KeyValues)
            root.Add(Parts(pair.Key), FromValue(pair.Value, Place(file, pair)));
        foreach (var table in document.Tables)
        {
            var target = table is TableArraySyntax ? root.Append(Parts(table.Name), Place(file, table)) : root.Table(Parts(table.Name), Place(file, table));
            foreach (var pair in table.Items)
                target.Add(Parts(pair.Key), FromValue(pair.Value, Place(file, pair)));
        }
        return root;
    }

    /// <summary>The members of a table, in the order of the file.</summary>
    /// <exception cref="WrongStateException">It is none.</exception>
    public IReadOnlyDictionary<string, TomlNode> Members => _value as Dictionary<string, TomlNode> ?? throw Expected("a table");

    /// <exception cref="WrongStateException">It is no list.</exception>
    public IReadOnlyList<TomlNode> Items => _value as List<TomlNode> ?? throw Expected("a list");

    public bool IsList => _value is List<TomlNode>;

    /// <exception cref="WrongStateException">It is no text.</exception>
    public string Text => _value as string ?? throw Expected("text in quotes");

    /// <exception cref="WrongStateException">It is no flag.</exception>
    public bool Flag => _value is bool flag ? flag : throw Expected("true or false");

    /// <summary>One text, or a list of texts.</summary>
    /// <exception cref="WrongStateException">It is neither.</exception>
    public IReadOnlyList<string> Texts => IsList ? [.. Items.Select(item => item.Text)] : [Text];

    /// <summary>A member, or null.</summary>
    public TomlNode? this[string name] => Members.GetValueOrDefault(name);

    /// <summary>An error that names this value's file and line.</summary>
    public WrongStateException Wrong(string what) => new($"{_place}: {what}");

    private WrongStateException Expected(string what) => Wrong($"{what} is expected here");

    private static string Place(string file, SyntaxNode node) => $"{file}({node.Span.Start.Line + 1})";

    private static TomlNode FromValue(ValueSyntax? value, string place) => value switch
    {
        StringValueSyntax text => new TomlNode(text.Value ?? "", place),
        BooleanValueSyntax flag => new TomlNode(flag.Value, place),
        IntegerValueSyntax number => new TomlNode(number.Value, place),
        ArraySyntax array => new TomlNode(array.Items.Select(item => FromValue(item.Value, place)).ToList(), place),
        InlineTableSyntax table => FromInline(table, place),
        _ => new TomlNode(null, place),
    };

    private static TomlNode FromInline(InlineTableSyntax table, string place)
    {
        var node = new TomlNode(new Dictionary<string, TomlNode>(StringComparer.Ordinal), place);
        foreach (var item in table.Items)
        {
            if (item.KeyValue is { } pair)
                node.Add(Parts(pair.Key), FromValue(pair.Value, place));
        }
        return node;
    }

    private void Add(List<string> path, TomlNode value)
    {
        var table = (Dictionary<string, TomlNode>)Table(path[..^1], value._place).Members;
        if (!table.TryAdd(path[^1], value))
            throw value.Wrong($"'{path[^1]}' is given twice");
    }

    private TomlNode Table(List<string> path, string place)
    {
        var node = this;
        foreach (var name in path)
        {
            var members = (Dictionary<string, TomlNode>)node.Members;
            if (!members.TryGetValue(name, out var next))
                members.Add(name, next = new TomlNode(new Dictionary<string, TomlNode>(StringComparer.Ordinal), place));
            // A table below a list of tables belongs to the last of them (TOML 1.0, "Array of Tables").
            node = next.IsList ? next.Items[^1] : next;
        }
        return node;
    }

    private TomlNode Append(List<string> path, string place)
    {
        var members = (Dictionary<string, TomlNode>)Table(path[..^1], place).Members;
        if (!members.TryGetValue(path[^1], out var list))
            members.Add(path[^1], list = new TomlNode(new List<TomlNode>(), place));
        var table = new TomlNode(new Dictionary<string, TomlNode>(StringComparer.Ordinal), place);
        ((List<TomlNode>)list.Items).Add(table);
        return table;
    }

    private static List<string> Parts(KeySyntax? key)
    {
        var parts = new List<string>();
        if (key is null)
            return parts;
        parts.Add(Part(key.Key));
        foreach (var more in key.DotKeys)
            parts.Add(Part(more.Key));
        return parts;
    }

    private static string Part(BareKeyOrStringValueSyntax? key) => key switch
    {
        StringValueSyntax text => text.Value ?? "",
        _ => key?.ToString().Trim() ?? "",
    };
}
