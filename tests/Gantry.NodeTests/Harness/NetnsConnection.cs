using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Gantry.NodeTests.Harness;

/// <summary>Makes sockets inside a network namespace, on a thread that enters it and then ends: a socket stays where it was made.</summary>
internal static partial class NetnsConnection
{
    private const int NewNetwork = 0x40000000;

    /// <summary>
    /// What is there answers at once. Without a limit an attempt lasts two minutes, and one made while an address of a new bridge is
    /// still tentative (RFC 4862) can only fail: it has another link's address as its source for good.
    /// </summary>
    private static readonly TimeSpan _connectLimit = TimeSpan.FromSeconds(5);

    /// <exception cref="IOException">Nobody answered within five seconds, or the connection was refused.</exception>
    public static Stream Connect(string netns, string host, int port) => new NetworkStream(
        Inside(netns, $"connect to {host}:{port}", () =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            using var limit = new CancellationTokenSource(_connectLimit);
            try
            {
                // The socket is of this thread's namespace, whichever thread goes on.
                socket.ConnectAsync(host, port, limit.Token).AsTask().GetAwaiter().GetResult();
                return socket;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }), ownsSocket: true);

    /// <summary>Listens on a free port of the namespace's loopback.</summary>
    public static Socket Listen(string netns) => Inside(netns, "listen", () =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen(64);
        return socket;
    });

    /// <summary>A UDP socket of the namespace that waits at most five seconds for what it reads.</summary>
    public static Socket Datagrams(string netns, IPEndPoint local) => Inside(netns, "make a UDP socket", () =>
    {
        var socket = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 5000 };
        socket.Bind(local);
        return socket;
    });

    private static T Inside<T>(string netns, string what, Func<T> make)
    {
        T? made = default;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var handle = File.OpenHandle(netns);
                if (SetNs((int)handle.DangerousGetHandle(), NewNetwork) != 0)
                    throw new IOException($"setns {netns}: error {Marshal.GetLastPInvokeError()}");
                made = make();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? made! : throw new IOException($"{what} in {netns}: {failure.Message}", failure);
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNs(int fd, int kind);
}
