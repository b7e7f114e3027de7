using Gantry.Identity;

namespace Gantry.Streaming;

/// <summary>What a client that brings the token may do.</summary>
public abstract record StreamOffer;

/// <summary>The standard streams that the client will use.</summary>
public sealed record CommandStreams(bool Input, bool Output, bool ErrorOutput, bool Terminal);

/// <summary>Run a command in a container.</summary>
public sealed record ExecOffer(ContainerId Container, IReadOnlyList<string> Command, CommandStreams Streams) : StreamOffer;

/// <summary>Join the streams of a container's own process.</summary>
public sealed record AttachOffer(ContainerId Container, CommandStreams Streams) : StreamOffer;

/// <summary>Connect to ports of a pod.</summary>
/// <param name="Pod">The pod.</param>
/// <param name="Ports">Those of the WebSocket protocols that name none themselves; SPDY names one with each stream.</param>
public sealed record PortForwardOffer(PodId Pod, IReadOnlyList<int> Ports) : StreamOffer;
