using System.Net;
using System.Net.Sockets;
using System.Text;
using Gantry.Linux.Files;
using Gantry.Monitor.Contract;

namespace Gantry.Monitoring;

/// <summary>One connection to a monitor's socket.</summary>
internal sealed class MonitorConnection : IDisposable
{
    private readonly Socket _socket;

    private MonitorConnection(Socket socket) => _socket = socket;

    /// <summary>Connects; null where no monitor listens.</summary>
    public static async Task<MonitorConnection?> TryOpenAsync(string bundle, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // By the open directory: a socket's path may have 107 bytes, and a bundle's own name has 64 of them.
            using var directory = RegularFile.OpenDirectory(bundle);
            if (await ConnectAsync(socket, new UnixDomainSocketEndPoint($"{directory.ProcPath}/{LaunchRequest.SocketName}"), cancel))
                return new MonitorConnection(socket);
            socket.Dispose();
            return null;
        }
        catch (Linux.SyscallException)
        {
            socket.Dispose();
            return null;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether somebody listened. Every container's end is followed by a try whose monitor has gone: an exception for each would
    /// be 2 ms of a core, most of it for the text of its stack.
    /// </summary>
    private static async Task<bool> ConnectAsync(Socket socket, EndPoint to, CancellationToken cancel)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var attempt = new SocketAsyncEventArgs { RemoteEndPoint = to };
        attempt.Completed += (_, _) => done.TrySetResult();
        if (socket.ConnectAsync(attempt))
        {
            await using var cancelled = cancel.Register(() => Socket.CancelConnectAsync(attempt));
            await done.Task;
            cancel.ThrowIfCancellationRequested();
        }
        return attempt.SocketError is SocketError.Success;
    }

    /// <summary>Sends a request and returns the answer's line; null when the monitor ended instead.</summary>
    public async Task<string?> AskAsync(string request, CancellationToken cancel)
    {
        var buffer = new byte[4096];
        try
        {
            await _socket.SendAsync(Encoding.UTF8.GetBytes(request + "\n"), cancel);
            var count = await _socket.ReceiveAsync(buffer, cancel);
            return count == 0 ? null : Encoding.UTF8.GetString(buffer, 0, count).TrimEnd('\n');
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>Sends a request after which the connection carries something else, and takes the answer alone off it.</summary>
    /// <returns>The connection, which is the caller's from here on; null where the monitor refused or ended, with its answer.</returns>
    public async Task<(Socket? Connection, string Answer)> TryTurnAsync(string request, CancellationToken cancel)
    {
        try
        {
            await _socket.SendAsync(Encoding.UTF8.GetBytes(request + "\n"), cancel);
            // Byte by byte: what follows the answer is the container's.
            var answer = new StringBuilder();
            var one = new byte[1];
            while (await _socket.ReceiveAsync(one, cancel) == 1 && one[0] != '\n' && answer.Length < 256)
                answer.Append((char)one[0]);
            return (answer.ToString() == ControlMessage.Ok && one[0] == '\n' ? _socket : null, answer.ToString());
        }
        catch (SocketException)
        {
            return (null, "");
        }
    }

    /// <summary>Watches the monitor: completes when it has ended, or with the exit record that it could not write.</summary>
    public async Task<ExitRecord?> WatchAsync()
    {
        var buffer = new byte[512];
        var text = new StringBuilder();
        try
        {
            await _socket.SendAsync(Encoding.UTF8.GetBytes(ControlMessage.Watch + "\n"), CancellationToken.None);
            int count;
            while ((count = await _socket.ReceiveAsync(buffer, CancellationToken.None)) > 0)
            {
                text.Append(Encoding.UTF8.GetString(buffer, 0, count));
                if (text.ToString().Split('\n')[..^1].Select(ExitRecord.TryParseLine).FirstOrDefault(record => record is not null) is { } exit)
                    return exit;
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Closed is closed, from whichever side.
        }
        return null;
    }

    public void Dispose() => _socket.Dispose();
}
