namespace Gantry.Streaming;

/// <summary>What a request's path asks for: <c>/exec/TOKEN</c>, <c>/attach/TOKEN</c> or <c>/portforward/TOKEN</c>, and nothing else.</summary>
/// <param name="Kind">The first part.</param>
/// <param name="Token">The second.</param>
public sealed record StreamRoute(string Kind, string Token)
{
    public const string Exec = "exec";

    public const string Attach = "attach";

    public const string PortForward = "portforward";

    /// <summary>Null for any other path.</summary>
    public static StreamRoute? Parse(string path)
    {
        foreach (var kind in (string[])[Exec, Attach, PortForward])
        {
            var start = kind.Length + 2;
            if (path.Length > start && path[0] == '/' && path[start - 1] == '/' && path.AsSpan(1, kind.Length).SequenceEqual(kind)
                && path.AsSpan(start).IndexOf('/') < 0)
                return new StreamRoute(kind, path[start..]);
        }
        return null;
    }

    /// <summary>Whether a redeemed offer is of the route's kind.</summary>
    public bool Fits(StreamOffer offer) => offer switch
    {
        ExecOffer => Kind == Exec,
        AttachOffer => Kind == Attach,
        PortForwardOffer => Kind == PortForward,
        _ => false,
    };
}
