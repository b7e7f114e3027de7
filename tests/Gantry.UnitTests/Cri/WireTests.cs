using Gantry.Cri.Api;
using Google.Protobuf.Reflection;
using Xunit;

namespace Gantry.UnitTests.Cri;

/// <summary>The compiled API beside the table of the protocol: every call, message, field, number, type and enum value, and no more.</summary>
public sealed class WireTests
{
    private static readonly FileDescriptor _file = RuntimeService.Descriptor.File;

    [Fact]
    public void Api_EveryRowOfTheTable_IsCompiled() => Assert.Empty(Table().Except(Compiled()));

    [Fact]
    public void Api_EverythingCompiled_IsInTheTable() => Assert.Empty(Compiled().Except(Table()));

    [Fact]
    public void Api_Package_IsRuntimeV1()
    {
        Assert.Equal("runtime.v1", _file.Package);
        Assert.Equal(43, _file.Services.Sum(service => service.Methods.Count));
    }

    private static HashSet<string> Table() =>
    [
        .. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Cri", "wire.tsv")).Skip(1).Select(line => string.Join('\t', line.Split('\t').Concat(Enumerable.Repeat("", 7)).Take(6)).TrimEnd()),
    ];

    private static HashSet<string> Compiled()
    {
        var rows = new HashSet<string>();
        foreach (var service in _file.Services)
        {
            foreach (var method in service.Methods)
                rows.Add($"rpc\t{service.Name}\t{method.Name}\t\t{method.InputType.Name}\t{(method.IsServerStreaming ? "stream " : "")}{method.OutputType.Name}");
        }
        foreach (var type in _file.EnumTypes)
            AddEnum(rows, type);
        foreach (var message in _file.MessageTypes)
            AddMessage(rows, message);
        return rows;
    }

    private static void AddMessage(HashSet<string> rows, MessageDescriptor message)
    {
        var owner = Named(message.FullName);
        foreach (var field in message.Fields.InDeclarationOrder())
            rows.Add($"message\t{owner}\t{field.Name}\t{field.FieldNumber}\t{TypeOf(field)}\t{(field.IsRepeated && !field.IsMap ? "repeated" : "")}".TrimEnd());
        if (message.Fields.InDeclarationOrder().Count == 0)
            rows.Add($"message\t{owner}");
        foreach (var type in message.EnumTypes)
            AddEnum(rows, type);
        foreach (var nested in message.NestedTypes.Where(nested => !IsMapEntry(nested)))
            AddMessage(rows, nested);
    }

    private static void AddEnum(HashSet<string> rows, EnumDescriptor type)
    {
        foreach (var value in type.Values)
            rows.Add($"enum\t{Named(type.FullName)}\t{value.Name}\t{value.Number}");
    }

    private static string TypeOf(FieldDescriptor field)
    {
        if (field.IsMap)
            return $"map<{TypeOf(field.MessageType.FindFieldByName("key"))},{TypeOf(field.MessageType.FindFieldByName("value"))}>";
        return field.FieldType switch
        {
            FieldType.Message => Named(field.MessageType.FullName),
            FieldType.Enum => Named(field.EnumType.FullName),
            var scalar => scalar.ToString().ToLowerInvariant(),
        };
    }

    private static bool IsMapEntry(MessageDescriptor message) => message.GetOptions()?.MapEntry ?? false;

    private static string Named(string fullName) => fullName["runtime.v1.".Length..];
}
