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
    private const int LongestSocketPath = 107;
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
            MakePrivate(paths.Root);
            MakePrivate(paths.State);
            // A directory of somebody else's, as /run, keeps its mode: the socket's own is what counts there.
            Directory.CreateDirectory(Path.GetDirectoryName(config.Socket)!, Private);
            var held = StartupLocks.TryLock(paths.RootLock);
            if (held is null)
            {
                problem = $"another gantryd has {config.Root}: stop it, or give this one a root of its own (--root)";
                return null;
            }
            problem = Obstacle(config.Socket);
            if (problem.Length > 0)
            {
                held.Dispose();
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

    /// <summary>Closed to others, also where an earlier version or somebody's mkdir left it open.</summary>
    private static void MakePrivate(string directory)
    {
        Directory.CreateDirectory(directory, Private);
        if (File.GetUnixFileMode(directory) != Private)
            File.SetUnixFileMode(directory, Private);
    }

    /// <summary>What keeps the socket from being bound; empty where nothing is there, or a socket whose server is gone.</summary>
    private static string Obstacle(string path)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(path) > LongestSocketPath)
            return $"{path} is longer than the {LongestSocketPath} bytes that a socket's path may have: choose a shorter one (--socket)";
        if (FileStatus.TryGet(path, followLinks: false) is not { } status)
            return "";
        if (status.Kind is not FileKind.Socket)
            return $"{path} is there and is no socket: remove it, or choose another path (--socket)";
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return $"another server answers on {path}: stop it, or give this one a socket of its own (--socket)";
        }
        catch (SocketException e)
        {
            // Only a refusal says that nobody listens; a server that is merely busy keeps its socket.
            return e.SocketErrorCode is SocketError.ConnectionRefused ? "" : $"{path} cannot be tried ({e.SocketErrorCode}): stop its server, or choose another path (--socket)";
        }
    }
}
