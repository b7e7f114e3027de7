using System.Net.Sockets;
using Gantry.Configuration;
using Gantry.Linux;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;
using Gantry.Persistence;

namespace Gantry;

/// <summary>
/// This daemon's hold on its root and socket: one daemon a root, a socket that nobody else serves, and files that only
/// root can open.
/// </summary>
public sealed class NodeClaim : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private readonly FileDescriptor _lock;
    private readonly string _socket;

    private NodeClaim(FileDescriptor held, string socket)
    {
        _lock = held;
        _socket = socket;
    }

    /// <summary>Claims the node, or says in a sentence why not.</summary>
    public static NodeClaim? Take(GantryConfig config, out string problem)
    {
        problem = "";
        // Before anything is made: the socket is bound, and every directory created, with no right for others.
        StartupLocks.SetUmask(0b000_111_111);
        try
        {
            var paths = new NodePaths(config.Root, config.State);
            Directory.CreateDirectory(paths.Root, Private);
            Directory.CreateDirectory(paths.State, Private);
            Directory.CreateDirectory(Path.GetDirectoryName(config.Socket)!, Private);
            var held = StartupLocks.TryLock(paths.RootLock);
            if (held is null)
            {
                problem = $"another gantryd has {config.Root}: stop it, or give this one a root of its own (--root)";
                return null;
            }
            if (IsServed(config.Socket))
            {
                held.Dispose();
                problem = $"another server answers on {config.Socket}: stop it, or give this one a socket of its own (--socket)";
                return null;
            }
            File.Delete(config.Socket);
            // Containers' mount points and log directories are read by other users: the rest is made with the usual mask.
            return new NodeClaim(held, config.Socket);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SyscallException)
        {
            problem = $"{e.Message} (gantryd runs as root)";
            return null;
        }
    }

    /// <summary>The socket is bound: everything made from here on gets ordinary modes.</summary>
    public void Opened()
    {
        File.SetUnixFileMode(_socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        StartupLocks.SetUmask(0b000_010_010);
    }

    public void Dispose() => _lock.Dispose();

    /// <summary>A socket whose server is gone refuses connections, and is replaced.</summary>
    private static bool IsServed(string path)
    {
        if (!File.Exists(path))
            return false;
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
