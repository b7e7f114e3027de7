using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gantry.Faults;

namespace Gantry.Identity;

/// <summary>A pod's id: 64 lowercase hexadecimal digits, which cAdvisor and Falco look for in paths.</summary>
[JsonConverter(typeof(PodIdJson))]
public readonly record struct PodId
{
    private readonly string? _value;

    private PodId(string value) => _value = value;

    public string Value => _value ?? throw new InvalidOperationException("an unset pod id was used");

    /// <summary>The first 12 digits, for people.</summary>
    public string Short => Value[..12];

    /// <summary>A new random id.</summary>
    public static PodId New() => new(HexId.New());

    /// <exception cref="InvalidRequestException">It is no id.</exception>
    public static PodId Parse(string text) => HexId.IsValid(text) ? new(text) : throw HexId.Refuse("pod", text);

    public override string ToString() => _value ?? "";
}

/// <summary>A container's id: 64 lowercase hexadecimal digits.</summary>
[JsonConverter(typeof(ContainerIdJson))]
public readonly record struct ContainerId
{
    private readonly string? _value;

    private ContainerId(string value) => _value = value;

    public string Value => _value ?? throw new InvalidOperationException("an unset container id was used");

    /// <summary>The first 12 digits, for people.</summary>
    public string Short => Value[..12];

    /// <summary>A new random id.</summary>
    public static ContainerId New() => new(HexId.New());

    /// <exception cref="InvalidRequestException">It is no id.</exception>
    public static ContainerId Parse(string text) => HexId.IsValid(text) ? new(text) : throw HexId.Refuse("container", text);

    public override string ToString() => _value ?? "";
}

internal static class HexId
{
    private static readonly SearchValues<char> _digits = SearchValues.Create("0123456789abcdef");

    internal static string New() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    internal static bool IsValid(string? text) => text is { Length: 64 } && !text.AsSpan().ContainsAnyExcept(_digits);

    internal static InvalidRequestException Refuse(string kind, string? text) =>
        new($"{kind} id '{text}' is not 64 lowercase hexadecimal digits");
}

internal sealed class PodIdJson : JsonConverter<PodId>
{
    public override PodId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        PodId.Parse(reader.GetString() ?? "");

    public override void Write(Utf8JsonWriter writer, PodId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}

internal sealed class ContainerIdJson : JsonConverter<ContainerId>
{
    public override ContainerId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ContainerId.Parse(reader.GetString() ?? "");

    public override void Write(Utf8JsonWriter writer, ContainerId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}
