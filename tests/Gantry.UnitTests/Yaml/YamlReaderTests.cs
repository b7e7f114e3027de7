using System.Text.Json.Nodes;
using Gantry.Yaml;
using Xunit;

namespace Gantry.UnitTests.Yaml;

public sealed class YamlReaderTests
{
    [Theory]
    [InlineData("a: 1", """{"a":1}""")]
    [InlineData("a: 0644", """{"a":420}""")]
    [InlineData("a: 0x10", """{"a":16}""")]
    [InlineData("a: 1.5", """{"a":1.5}""")]
    [InlineData("a: \"1\"", """{"a":"1"}""")]
    [InlineData("a: yes", """{"a":"yes"}""")]
    [InlineData("a: true", """{"a":true}""")]
    [InlineData("a: ~", """{"a":null}""")]
    [InlineData("a:", """{"a":null}""")]
    [InlineData("a: !!str 5", """{"a":"5"}""")]
    [InlineData("a: |\n  one\n  two\n", """{"a":"one\ntwo\n"}""")]
    [InlineData("a: [1, {b: c}]", """{"a":[1,{"b":"c"}]}""")]
    [InlineData("x: &x {p: 1, q: 2}\ny:\n  <<: *x\n  q: 3", """{"x":{"p":1,"q":2},"y":{"q":3,"p":1}}""")]
    public void Read_Yaml_IsTheJsonThatKubernetesReads(string yaml, string json) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(json), Assert.Single(YamlReader.Read(new StringReader(yaml)))));

    [Theory]
    [InlineData("a: 1\na: 2", "2:1: the key 'a' is given twice")]
    [InlineData("a: [1, 2", "1:")]
    [InlineData("a:\n\tb: 1", "1:1: ")]
    [InlineData("? [a]\n: 1", "1:3: a key must be plain text")]
    [InlineData("a: *nope", "1:4: no anchor '&nope'")]
    [InlineData("a: .inf", "1:4: '.inf' cannot be said in JSON")]
    [InlineData("a: b: c", "1:")]
    [InlineData("a: \"x", "1:")]
    public void Read_WrongYaml_NamesLineAndColumn(string yaml, string words) =>
        Assert.Contains(words, Assert.Throws<YamlFormatException>(() => YamlReader.Read(new StringReader(yaml))).Message, StringComparison.Ordinal);

    [Fact]
    public void Read_BombOfAliases_IsRefused()
    {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + string.Concat(Enumerable.Range(1, 12).Select(n => $"a{n}: &a{n} [{string.Join(", ", Enumerable.Repeat($"*a{n - 1}", 9))}]\n"));

        Assert.Contains("values", Assert.Throws<YamlFormatException>(() => YamlReader.Read(new StringReader(yaml))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_DeepNesting_IsRefused() =>
        Assert.Contains("levels deep", Assert.Throws<YamlFormatException>(() => YamlReader.Read(new StringReader(new string('[', 100)))).Message, StringComparison.Ordinal);

    [Fact]
    public void Read_SeveralDocuments_AreAllThere() =>
        Assert.Equal(2, YamlReader.Read(new StringReader("---\na: 1\n---\n---\nb: 2\n")).Count);
}
