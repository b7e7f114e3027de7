using System.Text;
using Gantry.Linux.Descriptors;

namespace Gantry.Linux.Processes;

/// <summary>A program to start.</summary>
/// <param name="Path">Absolute.</param>
/// <param name="Arguments">Without the program's own name.</param>
public sealed record SpawnRequest(string Path, IReadOnlyList<string> Arguments)
{
    /// <summary>NAME=value; null for this process's own.</summary>
    public IReadOnlyList<string>? Environment { get; init; }

    /// <summary>A copy of the program, which is executed instead; where that is refused, the program is. See <see cref="SealedProgram"/>.</summary>
    public FileDescriptor? Copy { get; init; }

    public string? WorkingDirectory { get; init; }

    /// <summary>What the child has as its descriptors 0, 1, 2, 3…; null is /dev/null. All others are closed.</summary>
    public IReadOnlyList<FileDescriptor?> Descriptors { get; init; } = [null, null, null];

    /// <summary>A session of its own (setsid), so that it outlives this process; otherwise a process group of its own.</summary>
    public bool NewSession { get; init; }
}

/// <summary>
/// Starts programs by posix_spawn(3), which on Linux neither copies this process's memory nor runs handlers in the child.
/// The child gets default signal handling, no blocked signal, and no descriptor that was not named.
/// </summary>
public static class ProcessSpawn
{
    private const short SetProcessGroup = 0x02;
    private const short SetSignalDefault = 0x04;
    private const short SetSignalMask = 0x08;
    private const short SetSession = 0x80;
    private const int OpaqueSize = 512;

    /// <summary>Starts the program and returns its pid; the caller must reap it.</summary>
    /// <exception cref="SyscallException">It cannot be started: ENOENT, EACCES, EAGAIN and so on.</exception>
    public static unsafe int Start(SpawnRequest request)
    {
        var actions = stackalloc byte[OpaqueSize];
        var attributes = stackalloc byte[OpaqueSize];
        var signals = stackalloc byte[128];
        // SAFE: the three buffers are larger than glibc's types of them (80, 336 and 128 bytes) and live in this frame.
        Check(LibC.FileActionsInit(actions), "posix_spawn set-up");
        Check(LibC.SpawnAttributesInit(attributes), "posix_spawn set-up");
        try
        {
            // First above the targets and above every source, so that no dup2 overwrites a source that is still needed.
            var count = request.Descriptors.Count;
            var free = 1 + Math.Max(count, request.Descriptors.Max(source => source?.Number ?? 0));
            for (var n = 0; n < count; n++)
            {
                if (request.Descriptors[n] is { } source)
                    Check(LibC.FileActionsAddDup2(actions, source.Number, free + n), "posix_spawn set-up");
            }
            for (var n = 0; n < count; n++)
            {
                if (request.Descriptors[n] is null)
                    Check(LibC.FileActionsAddOpen(actions, n, "/dev/null", LibC.OReadWrite, 0), "posix_spawn set-up");
                else
                    Check(LibC.FileActionsAddDup2(actions, free + n, n), "posix_spawn set-up");
            }
            Check(LibC.FileActionsAddCloseFrom(actions, count), "posix_spawn set-up");
            if (request.WorkingDirectory is { } directory)
                Check(LibC.FileActionsAddChangeDirectory(actions, directory), "posix_spawn set-up");
            Check(LibC.SpawnAttributesSetFlags(attributes, (short)(SetSignalDefault | SetSignalMask | (request.NewSession ? SetSession : SetProcessGroup))), "posix_spawn set-up");
            Check(LibC.SignalFillSet(signals), "posix_spawn set-up");
            Check(LibC.SpawnAttributesSetSignalDefault(attributes, signals), "posix_spawn set-up");
            Check(LibC.SignalEmptySet(signals), "posix_spawn set-up");
            Check(LibC.SpawnAttributesSetSignalMask(attributes, signals), "posix_spawn set-up");
            return Start(request, actions, attributes);
        }
        finally
        {
            _ = LibC.FileActionsDestroy(actions);
            _ = LibC.SpawnAttributesDestroy(attributes);
        }
    }

    private static void Check(int error, string call)
    {
        if (error != 0)
            throw new SyscallException(call, (Errno)error, "child");
    }

    private static unsafe int Start(SpawnRequest request, byte* actions, byte* attributes)
    {
        using var arguments = new NativeStrings([request.Path, .. request.Arguments]);
        using var environment = new NativeStrings(request.Environment ?? ProcessEnvironment.Own());
        using var usual = ThreadNiceness.AsUsual();
        if (request.Copy is { } copy)
        {
            // By this process's number: the child has closed the descriptor by then.
            var started = LibC.PosixSpawn(out var child, $"/proc/{System.Environment.ProcessId}/fd/{copy.Number}", actions, attributes, arguments.Pointer, environment.Pointer);
            GC.KeepAlive(copy);
            if (started == 0)
                return child;
        }
        var error = LibC.PosixSpawn(out var pid, request.Path, actions, attributes, arguments.Pointer, environment.Pointer);
        return error == 0 ? pid : throw new SyscallException("posix_spawn", (Errno)error, request.Path);
    }

    /// <summary>A NULL-terminated array of C strings in one block.</summary>
    private sealed unsafe class NativeStrings : IDisposable
    {
        private readonly nint _block;

        public NativeStrings(IReadOnlyList<string> texts)
        {
            var table = (texts.Count + 1) * sizeof(byte*);
            var size = table + texts.Sum(text => Encoding.UTF8.GetByteCount(text) + 1);
            _block = System.Runtime.InteropServices.Marshal.AllocHGlobal(size);
            // SAFE: the block holds the table and, behind it, every text with its NUL, as counted above.
            var pointers = (byte**)_block;
            var at = (byte*)_block + table;
            var end = (byte*)_block + size;
            for (var n = 0; n < texts.Count; n++)
            {
                pointers[n] = at;
                at += Encoding.UTF8.GetBytes(texts[n], new Span<byte>(at, (int)(end - at)));
                *at++ = 0;
            }
            pointers[texts.Count] = null;
        }

        public byte** Pointer => (byte**)_block;

        public void Dispose() => System.Runtime.InteropServices.Marshal.FreeHGlobal(_block);
    }
}
