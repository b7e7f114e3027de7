namespace Gantry.Images.Unpacking;

/// <summary>
/// A few blocks of memory that go round between two stages of a layer's way: what the network brings waits here for the thread
/// that unpacks, and the network waits when it is full. So a layer under way costs <see cref="Blocks"/> times
/// <see cref="BlockSize"/> bytes a ring, whatever its size.
/// </summary>
internal sealed class BlockRing : IDisposable
{
    internal const int Blocks = 8;

    /// <summary>Below the size at which the collector keeps arrays apart and seldom looks at them.</summary>
    internal const int BlockSize = 64 << 10;

    private readonly byte[][] _blocks = new byte[Blocks][];
    private readonly int[] _lengths = new int[Blocks];
    private readonly SemaphoreSlim _free = new(Blocks);
    private readonly SemaphoreSlim _full = new(0);
    private Exception? _fault;
    private int _writing;
    private int _reading;
    private bool _isHeld;

    public void Dispose()
    {
        _free.Dispose();
        _full.Dispose();
    }

    /// <summary>As <see cref="RentAsync"/>, for a thread.</summary>
    internal Memory<byte> Rent(CancellationToken cancel)
    {
        _free.Wait(cancel);
        return _blocks[_writing] ??= new byte[BlockSize];
    }

    /// <summary>A block to fill; waits until one is free. For the receiver.</summary>
    internal async ValueTask<Memory<byte>> RentAsync(CancellationToken cancel)
    {
        await _free.WaitAsync(cancel);
        return _blocks[_writing] ??= new byte[BlockSize];
    }

    /// <summary>Passes the rented block on, filled to that length; 0 is the end.</summary>
    internal void Publish(int length)
    {
        _lengths[_writing] = length;
        _writing = (_writing + 1) % Blocks;
        _full.Release();
    }

    /// <summary>The receiver failed: the next block that the reader asks for is this.</summary>
    internal void Fail(Exception fault)
    {
        _fault = fault;
        _full.Release();
    }

    /// <summary>The next block, which stays as it is until the next call; empty at the end. For the thread that unpacks.</summary>
    /// <exception cref="BlockRingException">The stage before failed.</exception>
    internal ReadOnlyMemory<byte> Next(CancellationToken cancel)
    {
        if (_isHeld)
        {
            _isHeld = false;
            _reading = (_reading + 1) % Blocks;
            _free.Release();
        }
        _full.Wait(cancel);
        if (_fault is { } fault)
            throw new BlockRingException(fault);
        _isHeld = true;
        return _blocks[_reading].AsMemory(0, _lengths[_reading]);
    }
}

/// <summary>The failure of an earlier stage, which is the inner exception, as a later one meets it.</summary>
internal sealed class BlockRingException(Exception fault) : IOException(fault.Message, fault)
{
    /// <summary>What failed first: the stage before, or this one.</summary>
    internal static Exception CauseOf(Exception e) => e is BlockRingException { InnerException: { } cause } ? cause : e;
}
