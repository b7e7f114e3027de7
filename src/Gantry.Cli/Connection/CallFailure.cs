using System.Net.Sockets;
using Grpc.Core;

namespace Gantry.Cli.Connection;

/// <summary>Turns a failed call into a message and an exit code.</summary>
internal static class CallFailure
{
    public static CommandException Translate(RpcException failure, NodeConnection node)
    {
        if (node.ConnectFailure is { } reason)
            return new CommandException(ExitCode.Unreachable, Unreachable(node.Endpoint, reason), failure);
        var detail = failure.Status.Detail.Length > 0 ? failure.Status.Detail : failure.StatusCode.ToString();
        return failure.StatusCode switch
        {
            StatusCode.NotFound => new CommandException(ExitCode.NotFound, detail, failure),
            StatusCode.InvalidArgument => new CommandException(ExitCode.Usage, detail, failure),
            StatusCode.Unavailable => new CommandException(
                ExitCode.Unreachable, $"{node.Endpoint}: not ready: {detail}. Try again in a moment, or look at the daemon's log.", failure),
            StatusCode.Unimplemented => CommandException.Failed($"{node.Endpoint}: this runtime does not offer that: {detail}", failure),
            _ => CommandException.Failed(detail, failure),
        };
    }

    /// <summary>For verbs that exist only in gantry.v1.</summary>
    public static CommandException NeedsGantry(NodeConnection node, string verb, string instead) => CommandException.Failed(
        $"{node.Endpoint}: 'gantry {verb}' needs gantry's own daemon, and this is another CRI runtime. {instead}");

    private static string Unreachable(Endpoint endpoint, SocketError reason) => reason switch
    {
        SocketError.AddressNotAvailable or SocketError.HostNotFound => Missing(endpoint),
        SocketError.AccessDenied =>
            $"{endpoint}: permission denied. The socket belongs to root: run gantry with sudo.",
        SocketError.ConnectionRefused =>
            $"{endpoint}: the socket is there, but no daemon listens: it has crashed or was stopped. Start it: sudo gantryd (or systemctl start gantryd).",
        _ when !File.Exists(endpoint.SocketPath) => Missing(endpoint),
        _ => $"{endpoint}: cannot connect: {reason}.",
    };

    private static string Missing(Endpoint endpoint) =>
        $"{endpoint}: no such socket: the daemon is not running, or listens elsewhere. "
        + "Start it: sudo gantryd (or systemctl start gantryd); or name the socket with --endpoint or GANTRY_ENDPOINT.";
}
