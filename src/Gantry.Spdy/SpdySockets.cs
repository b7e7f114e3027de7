using System.Net.Sockets;

namespace Gantry.Spdy;

/// <summary>Moves bytes between streams and sockets, as both ends of a forwarded connection do.</summary>
public static class SpdySockets
{
    /// <summary>Sends what the other side of the stream sends, until its end, and then that end.</summary>
    /// <exception cref="SpdyException">The stream was reset, or the connection is over.</exception>
    /// <exception cref="SocketException">The socket takes no more.</exception>
    public static async Task SendToAsync(this SpdyStream stream, Socket socket, CancellationToken cancel)
    {
        while (true)
        {
            var read = await stream.Input.ReadAsync(cancel);
            foreach (var piece in read.Buffer)
            {
                for (var rest = piece; !rest.IsEmpty;)
                    rest = rest[await socket.SendAsync(rest, cancel)..];
            }
            stream.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                break;
        }
        socket.Shutdown(SocketShutdown.Send);
    }
}
