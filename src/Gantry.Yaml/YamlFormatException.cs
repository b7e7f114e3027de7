using System.Globalization;
using YamlDotNet.Core;

namespace Gantry.Yaml;

/// <summary>YAML that cannot be read, with the place.</summary>
public sealed class YamlFormatException(Mark at, string problem, Exception? cause = null)
    : Exception(string.Create(CultureInfo.InvariantCulture, $"{at.Line}:{at.Column}: {problem}"), cause);
