namespace Gantry.Spdy;

/// <summary>The other side broke the protocol, a limit was passed, or the connection or stream is over.</summary>
public sealed class SpdyException(string message, Exception? cause = null) : IOException(message, cause);
