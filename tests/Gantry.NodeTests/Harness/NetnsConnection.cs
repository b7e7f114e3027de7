using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Gantry.NodeTests.Harness;

/// <summary>Makes sockets inside a network namespace, on a thread that enters it and then ends: a socket stays where it was made.</summary>
internal static partial class NetnsConnection
{
    private const int NewNetwork = 0x40000000;

    public static Stream Connect(string netns, string host, int port) => new NetworkStream(
        Inside(netns, $"connect to {host}:{port}", () =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            socket.Connect(host, port);
            return socket;
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
