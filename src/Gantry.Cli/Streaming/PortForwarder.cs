using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Gantry.Spdy;

namespace Gantry.Cli.Streaming;

/// <summary>
/// Leads connections to ports of this machine to a pod, over one SPDY connection; one that was lost is made anew for the
/// next that comes. What goes wrong with one is told, and ends that one.
/// </summary>
/// <param name="connect">Makes a SPDY connection to the pod.</param>
/// <param name="note">Tells the user.</param>
internal sealed class PortForwarder(Func<Task<SpdyConnection>> connect, Action<string> note) : IAsyncDisposable
{
    public const string Protocol = "portforward.k8s.io";

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly List<Socket> _listeners = [];
    private SpdyConnection? _connection;
    private int _requests;

    /// <summary>Listens on a port of each address.</summary>
    /// <returns>Where it listens.</returns>
    /// <exception cref="CommandException">It can listen on none of them.</exception>
    public IReadOnlyList<IPEndPoint> Listen(PortSpec port, IReadOnlyList<IPAddress> addresses)
    {
        var ends = new List<IPEndPoint>();
        SocketException? first = null;
        foreach (var address in addresses)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                if (address.AddressFamily is AddressFamily.InterNetworkV6)
                    socket.DualMode = false;
                // The second address gets the number that the first one has found.
                socket.Bind(new IPEndPoint(address, port.Local == 0 && ends.Count > 0 ? ends[0].Port : port.Local));
                socket.Listen(128);
                _listeners.Add(socket);
                ends.Add((IPEndPoint)socket.LocalEndPoint!);
            }
            catch (SocketException e)
            {
                socket.Dispose();
                first ??= e;
            }
        }
        return ends.Count > 0 ? ends : throw CommandException.Failed($"port {port.Local} of this machine cannot be listened on: {first!.Message}", first);
    }

    /// <summary>Serves until the token ends it, or the pod cannot be connected to any more.</summary>
    /// <param name="remotes">The pod's port of each listener, in their order.</param>
    public async Task RunAsync(IReadOnlyList<int> remotes, CancellationToken cancel)
    {
        // Before the first connection comes: a pod that cannot be reached is told of now.
        await ConnectionAsync();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var accepting = _listeners.Select((listener, n) => AcceptAsync(listener, remotes[n], over.Token)).ToList();
        var first = await Task.WhenAny(accepting);
        await over.CancelAsync();
        await Task.WhenAll(accepting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var listener in _listeners)
            listener.Dispose();
        if (_connection is not null)
            await _connection.DisposeAsync();
        _turn.Dispose();
    }

    private async Task AcceptAsync(Socket listener, int remote, CancellationToken cancel)
    {
        while (true)
        {
            var socket = await listener.AcceptAsync(cancel);
            socket.NoDelay = true;
            SpdyConnection connection;
            try
            {
                connection = await ConnectionAsync();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
            _ = ForwardAsync(connection, socket, remote, cancel);
        }
    }

    private async Task<SpdyConnection> ConnectionAsync()
    {
        await _turn.WaitAsync();
        try
        {
            if (_connection is { Ended.IsCompleted: false })
                return _connection;
            _connection = await connect();
            _ = _connection.RunAsync();
            return _connection;
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task ForwardAsync(SpdyConnection connection, Socket socket, int remote, CancellationToken cancel)
    {
        using (socket)
        {
            try
            {
                var request = Interlocked.Increment(ref _requests).ToString(CultureInfo.InvariantCulture);
                var error = await connection.OpenAsync(Headers("error", remote, request), cancel);
                await error.FinishAsync();
                var data = await connection.OpenAsync(Headers("data", remote, request), cancel);
                await MoveAsync(socket, data, error, cancel);
            }
            catch (Exception e) when (e is SpdyException or SocketException)
            {
                note($"gantry: a connection to port {remote} broke: {e.Message}");
            }
            catch (OperationCanceledException)
            {
                // The user has ended it all.
            }
        }
    }

    private async Task MoveAsync(Socket socket, SpdyStream data, SpdyStream error, CancellationToken cancel)
    {
        var problem = SpdyMessage.ReadAsync(error, cancel);
        var receiving = data.SendToAsync(socket, cancel);
        var sending = SendAsync(socket, data, cancel);
        await Task.WhenAny(Task.WhenAll(sending, receiving), FailedAsync(sending), FailedAsync(receiving));
        if (await problem is { Length: > 0 } message)
            note($"gantry: {Encoding.UTF8.GetString(message)}");
        if (sending.IsCompletedSuccessfully && receiving.IsCompletedSuccessfully)
        {
            socket.Close();
        }
        else
        {
            // What is cut off there is cut off here: an end would tell the program that it has everything.
            socket.Close(0);
            await data.ResetAsync(SpdyResetReason.Cancel);
        }
        await Task.WhenAll(sending, receiving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Completes when the direction fails, and never where it ends well.</summary>
    private static async Task FailedAsync(Task direction)
    {
        await direction.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (direction.IsCompletedSuccessfully)
            await Task.Delay(Timeout.Infinite);
    }

    private static async Task SendAsync(Socket socket, SpdyStream data, CancellationToken cancel)
    {
        var buffer = new byte[32 << 10];
        while (await socket.ReceiveAsync(buffer, cancel) is var count and > 0)
            await data.WriteAsync(buffer.AsMemory(0, count), cancel);
        await data.FinishAsync();
    }

    private static Dictionary<string, string> Headers(string kind, int port, string request) => new()
    {
        ["streamtype"] = kind,
        ["port"] = port.ToString(CultureInfo.InvariantCulture),
        ["requestid"] = request,
    };
}
