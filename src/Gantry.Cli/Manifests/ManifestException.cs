using System.Globalization;
using YamlDotNet.Core;

namespace Gantry.Cli.Manifests;

/// <summary>A manifest that cannot be read, with the place.</summary>
internal sealed class ManifestException(Mark at, string problem, Exception? cause = null)
    : Exception(string.Create(CultureInfo.InvariantCulture, $"{at.Line}:{at.Column}: {problem}"), cause);
