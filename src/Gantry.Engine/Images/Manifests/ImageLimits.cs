namespace Gantry.Images.Manifests;

/// <summary>What one image may ask of the node. Far above any real image.</summary>
/// <param name="MaxLayers">The kernel stacks 500 at most.</param>
/// <param name="MaxBytes">Unpacked, of all layers together.</param>
public sealed record ImageLimits(int MaxLayers = 256, long MaxBytes = 128L << 30);
