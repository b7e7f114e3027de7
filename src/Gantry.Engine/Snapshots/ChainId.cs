using System.Text;
using Gantry.Identity;

namespace Gantry.Snapshots;

/// <summary>Names a stack of layers by its content (OCI image-spec, config.md, "Layer ChainID").</summary>
public static class ChainId
{
    /// <summary>The chain ids of every prefix of the stack, lowest first: as many as there are layers.</summary>
    public static IReadOnlyList<Digest> Of(IReadOnlyList<Digest> diffIds)
    {
        var chain = new Digest[diffIds.Count];
        for (var i = 0; i < chain.Length; i++)
            chain[i] = i == 0 ? diffIds[0] : Digest.Compute(Encoding.ASCII.GetBytes($"{chain[i - 1].Value} {diffIds[i].Value}"));
        return chain;
    }
}
