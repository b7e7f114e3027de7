using Gantry.Linux;
using Gantry.Linux.Descriptors;

namespace Gantry.Cli.Streaming;

/// <summary>
/// This program's standard input, read without a thread and without changing how the file is open: that is shared with the
/// shell. Detach keys end it.
/// </summary>
internal sealed class LocalInput(DetachKeys? keys) : IDisposable
{
    private readonly FileDescriptor _file = FileDescriptor.Duplicate(0);
    private readonly List<byte> _passed = [];

    /// <summary>Whether the user has typed the keys that detach.</summary>
    public bool IsDetached { get; private set; }

    /// <returns>0 at the end, or when the user detaches.</returns>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancel)
    {
        while (!IsDetached)
        {
            await Reactor.Shared.WaitReadableAsync(_file, cancel);
            switch (DescriptorIo.Read(_file, buffer.Span, out var count))
            {
                case IoOutcome.Done when keys is null:
                    return count;
                case IoOutcome.Done:
                    IsDetached = keys.Take(buffer.Span[..count], _passed);
                    _passed.CopyTo(buffer.Span);
                    if (_passed.Count > 0)
                        return _passed.Count;
                    break;
                case IoOutcome.WouldBlock:
                    break;
                case IoOutcome.Failed:
                    throw new SyscallException("read", LastErrno.Get(), "standard input");
                default:
                    return 0;
            }
        }
        return 0;
    }

    public void Dispose() => _file.Dispose();
}
