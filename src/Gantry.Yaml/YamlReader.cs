using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Gantry.Yaml;

/// <summary>
/// YAML to JSON values, from the parser's events: no reflection, every error with its line and column, a key given twice
/// refused, and bounds on depth and size so that a page of nested aliases cannot fill the memory.
/// </summary>
public sealed class YamlReader
{
    private const int MaxDepth = 64;
    private const int MaxNodes = 200_000;

    private readonly Parser _parser;
    private readonly Dictionary<AnchorName, JsonNode?> _anchors = [];
    private int _nodes;

    private YamlReader(TextReader text) => _parser = new Parser(text);

    /// <summary>The documents of a stream; a document without content is left out.</summary>
    /// <exception cref="YamlFormatException">Not YAML, or YAML that JSON cannot say.</exception>
    public static IReadOnlyList<JsonNode> Read(TextReader text)
    {
        var reader = new YamlReader(text);
        try
        {
            return reader.ReadStream();
        }
        catch (YamlException failure)
        {
            // Where it went wrong, not where what went wrong began.
            throw new YamlFormatException(failure.End, PlainMessage(failure), failure);
        }
    }

    private List<JsonNode> ReadStream()
    {
        var documents = new List<JsonNode>();
        _parser.Consume<StreamStart>();
        while (!_parser.TryConsume<StreamEnd>(out _))
        {
            _parser.Consume<DocumentStart>();
            _anchors.Clear();
            if (ReadNode(depth: 0) is { } document)
                documents.Add(document);
            _parser.Consume<DocumentEnd>();
        }
        return documents;
    }

    private JsonNode? ReadNode(int depth)
    {
        var start = _parser.Current?.Start ?? Mark.Empty;
        if (depth > MaxDepth)
            throw new YamlFormatException(start, $"more than {MaxDepth} levels deep");
        Count(start);
        if (_parser.TryConsume<AnchorAlias>(out var alias))
            return Expand(alias);
        if (_parser.TryConsume<Scalar>(out var scalar))
            return Remember(scalar.Anchor, ScalarToJson(scalar));
        if (_parser.TryConsume<SequenceStart>(out var sequence))
            return Remember(sequence.Anchor, ReadSequence(depth));
        if (_parser.TryConsume<MappingStart>(out var mapping))
            return Remember(mapping.Anchor, ReadMapping(depth));
        throw new YamlFormatException(start, "a value is missing here");
    }

    private JsonArray ReadSequence(int depth)
    {
        var list = new JsonArray();
        while (!_parser.TryConsume<SequenceEnd>(out _))
            list.Add(ReadNode(depth + 1));
        return list;
    }

    private JsonObject ReadMapping(int depth)
    {
        var map = new JsonObject();
        var merges = new List<(Mark At, JsonNode? Value)>();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var at = _parser.Current?.Start ?? Mark.Empty;
            if (!_parser.TryConsume<Scalar>(out var key))
                throw new YamlFormatException(at, "a key must be plain text, not a list or a mapping");
            var value = ReadNode(depth + 1);
            if (key is { Value: "<<", Style: ScalarStyle.Plain })
                merges.Add((at, value));
            else if (!map.TryAdd(key.Value, value))
                throw new YamlFormatException(at, $"the key '{key.Value}' is given twice");
        }
        foreach (var (at, value) in merges)
            Merge(map, value, at);
        return map;
    }

    /// <summary>The merge key of YAML 1.1, which manifests use to share parts: own keys win, earlier sources before later.</summary>
    private void Merge(JsonObject into, JsonNode? source, Mark at)
    {
        if (source is JsonArray list)
        {
            foreach (var item in list)
                Merge(into, item, at);
            return;
        }
        if (source is not JsonObject map)
            throw new YamlFormatException(at, "'<<' needs a mapping, or a list of them");
        foreach (var (key, value) in map)
            into.TryAdd(key, Copy(value, at));
    }

    private JsonNode? Expand(AnchorAlias alias)
    {
        if (!_anchors.TryGetValue(alias.Value, out var node))
            throw new YamlFormatException(alias.Start, $"no anchor '&{alias.Value}' before this alias");
        return Copy(node, alias.Start);
    }

    private JsonNode? Remember(AnchorName anchor, JsonNode? node)
    {
        if (!anchor.IsEmpty)
            _anchors[anchor] = node;
        return node;
    }

    /// <summary>Copies count as if they had been written out, before they are made: that is what stops a bomb of aliases.</summary>
    private JsonNode? Copy(JsonNode? node, Mark at)
    {
        CountTree(node, at);
        return node?.DeepClone();
    }

    private void CountTree(JsonNode? node, Mark at)
    {
        Count(at);
        if (node is JsonObject map)
        {
            foreach (var (_, value) in map)
                CountTree(value, at);
        }
        else if (node is JsonArray list)
        {
            foreach (var item in list)
                CountTree(item, at);
        }
    }

    private void Count(Mark at)
    {
        if (++_nodes > MaxNodes)
            throw new YamlFormatException(at, $"more than {MaxNodes} values");
    }

    private static JsonNode? ScalarToJson(Scalar scalar)
    {
        var isText = scalar.Style != ScalarStyle.Plain;
        if (!scalar.Tag.IsEmpty && !scalar.Tag.IsNonSpecific)
            isText = scalar.Tag.Value == "tag:yaml.org,2002:str" || isText;
        if (isText)
            return JsonValue.Create(scalar.Value);
        try
        {
            return YamlScalar.ToJson(scalar.Value);
        }
        catch (FormatException failure)
        {
            throw new YamlFormatException(scalar.Start, failure.Message, failure);
        }
    }

    /// <summary>YamlDotNet puts the place before its message, and the place is shown already.</summary>
    private static string PlainMessage(YamlException failure)
    {
        var text = failure.Message;
        var end = text.StartsWith('(') ? text.IndexOf("): ", StringComparison.Ordinal) : -1;
        return end < 0 ? text : text[(end + 3)..];
    }
}
