namespace Gantry.Cli.Streaming;

/// <summary>The runtime promised a stream at an address where nothing answers from here.</summary>
internal sealed class StreamUnreachableException(Uri url, Exception cause)
    : Exception($"the runtime's streaming server at {url.Host}:{url.Port} cannot be reached from here: {cause.Message}. It may listen on another network namespace's loopback.", cause);
