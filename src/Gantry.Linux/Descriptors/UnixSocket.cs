using System.Text;

namespace Gantry.Linux.Descriptors;

/// <summary>Unix stream sockets without System.Net.Sockets, whose machinery a monitor has no room for (unix(7)).</summary>
public static class UnixSocket
{
    private const int Family = 1;
    private const int Stream = 1;
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const int PathLimit = 108;
    private const int SolSocket = 1;
    private const int PeerCredentials = 17;
    private const int SendBuffer = 7;
    private const int SendBufferForce = 32;

    /// <summary>Listens on a path of at most 107 bytes; a relative one avoids that limit.</summary>
    /// <exception cref="SyscallException">The address is in use or the directory is missing.</exception>
    public static unsafe FileDescriptor Listen(string path)
    {
        var socket = Open();
        var address = stackalloc byte[PathLimit + 2];
        // SAFE: Fill writes at most PathLimit bytes behind the two of the family.
        var length = Fill(address, path);
        if (LibC.Bind(socket.Number, address, length) != 0 || LibC.Listen(socket.Number, 16) != 0)
        {
            var errno = LastErrno.Get();
            socket.Dispose();
            throw new SyscallException("bind", errno, path);
        }
        Pipe.SetNonBlocking(socket);
        return socket;
    }

    /// <summary>Takes a waiting connection of a process of this user; null where there is none.</summary>
    public static unsafe FileDescriptor? TryAccept(FileDescriptor listener)
    {
        var fd = LibC.Accept4(listener.Number, null, null, CloseOnExec | NonBlocking);
        if (fd < 0)
            return null;
        var connection = new FileDescriptor(fd);
        var credentials = stackalloc uint[3];
        uint size = 3 * sizeof(uint);
        // SAFE: struct ucred is pid, uid, gid: three 32-bit numbers.
        if (LibC.GetSocketOption(fd, SolSocket, PeerCredentials, credentials, &size) == 0 && credentials[1] == LibC.GetEffectiveUserId())
            return connection;
        connection.Dispose();
        return null;
    }

    /// <summary>
    /// Lets the kernel hold that many bytes that the other side has not read (socket(7)); less, where this process lacks
    /// CAP_NET_ADMIN and the system's limit is lower.
    /// </summary>
    public static unsafe void SetSendBuffer(FileDescriptor connection, int bytes)
    {
        // SAFE: the option is an int.
        if (LibC.SetSocketOption(connection.Number, SolSocket, SendBufferForce, &bytes, sizeof(int)) != 0)
            _ = LibC.SetSocketOption(connection.Number, SolSocket, SendBuffer, &bytes, sizeof(int));
    }

    /// <summary>
    /// Receives one descriptor that the other side passes along with a message (cmsg(3), SCM_RIGHTS); null where none came.
    /// </summary>
    public static unsafe FileDescriptor? ReceiveDescriptor(FileDescriptor connection)
    {
        var data = stackalloc byte[256];
        var control = stackalloc byte[64];
        var vector = new LibC.IoVector { Base = data, Length = 256 };
        var message = new LibC.MessageHeader { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = 64 };
        // SAFE: every pointer of the header is to memory of this frame, with its true size beside it.
        if (LibC.ReceiveMessage(connection.Number, &message, LibC.MessageCloseOnExec) < 0)
            return null;
        // cmsghdr: length (8 bytes), level, type, then the descriptor.
        return message.ControlLength >= 20 && *(int*)(control + 8) == SolSocket && *(int*)(control + 12) == 1
            ? new FileDescriptor(*(int*)(control + 16))
            : null;
    }

    private static FileDescriptor Open()
    {
        var fd = LibC.Socket(Family, Stream | CloseOnExec, 0);
        return fd >= 0 ? new FileDescriptor(fd) : throw new SyscallException("socket", LastErrno.Get(), "unix");
    }

    private static unsafe uint Fill(byte* address, string path)
    {
        if (Encoding.UTF8.GetByteCount(path) >= PathLimit)
            throw new SyscallException("bind", Errno.ENAMETOOLONG, path);
        new Span<byte>(address, PathLimit + 2).Clear();
        *(ushort*)address = Family;
        return (uint)(2 + Encoding.UTF8.GetBytes(path, new Span<byte>(address + 2, PathLimit)) + 1);
    }
}
