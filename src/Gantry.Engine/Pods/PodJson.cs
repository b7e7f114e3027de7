using System.Text.Json.Serialization;

namespace Gantry.Pods;

/// <summary>How pod records are written.</summary>
[JsonSourceGenerationOptions(AllowDuplicateProperties = false, RespectNullableAnnotations = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PodRecord))]
internal sealed partial class PodJson : JsonSerializerContext;
