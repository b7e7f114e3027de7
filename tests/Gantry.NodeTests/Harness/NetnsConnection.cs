using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Gantry.NodeTests.Harness;

/// <summary>Opens a TCP connection from inside a network namespace, on a thread that enters it and then ends.</summary>
internal static partial class NetnsConnection
{
    private const int NewNetwork = 0x40000000;

    public static Stream Connect(string netns, string host, int port)
    {
        Socket? socket = null;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var handle = File.OpenHandle(netns);
                if (SetNs((int)handle.DangerousGetHandle(), NewNetwork) != 0)
                    throw new IOException($"setns {netns}: error {Marshal.GetLastPInvokeError()}");
                socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                socket.Connect(host, port);
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? new NetworkStream(socket!, ownsSocket: true) : throw new IOException($"connect to {host}:{port} in {netns}: {failure.Message}", failure);
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNs(int fd, int kind);
}
