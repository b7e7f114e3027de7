using System.Net.Sockets;
using System.Security.Authentication;

namespace Gantry.Images.Registry.Http;

/// <summary>What went wrong between this node and a server, in words for people.</summary>
internal static class HttpProblem
{
    public static string Describe(Exception failure)
    {
        for (var e = failure; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case SocketException socket:
                    return socket.SocketErrorCode switch
                    {
                        SocketError.ConnectionRefused => "connection refused",
                        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "its name cannot be resolved",
                        SocketError.ConnectionReset => "the connection was reset",
                        SocketError.TimedOut => "no answer to connecting",
                        _ => socket.Message,
                    };
                case AuthenticationException tls:
                    return $"TLS: {tls.Message}";
                case OperationCanceledException:
                    return "it did not answer in time";
                case TimeoutException silence:
                    return silence.Message;
                case HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded }:
                    return "the connection ended before the answer did";
            }
        }
        // "An error occurred while sending the request" says nothing; what it was is at the bottom.
        var cause = failure.GetBaseException().Message;
        return cause.Contains("certificate required", StringComparison.Ordinal) || cause.Contains("bad certificate", StringComparison.Ordinal)
            ? $"TLS: it wants a client certificate that it knows ('client' in hosts.toml): {cause}"
            : cause;
    }

    /// <summary>Whether trying again may help: the connection broke, and did not fail to be made.</summary>
    public static bool IsBroken(Exception failure) =>
        failure is HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded or HttpRequestError.Unknown } or IOException
        && !Has<AuthenticationException>(failure) && !Has<SocketException>(failure, e => e.SocketErrorCode is SocketError.ConnectionRefused or SocketError.HostNotFound);

    /// <summary>Whether there is nobody to talk to.</summary>
    public static bool IsUnreachable(Exception failure) =>
        failure is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError };

    private static bool Has<T>(Exception? failure, Func<T, bool>? that = null)
        where T : Exception
    {
        for (var e = failure; e is not null; e = e.InnerException)
        {
            if (e is T found && (that is null || that(found)))
                return true;
        }
        return false;
    }
}
