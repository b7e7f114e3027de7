using Gantry.Concurrency;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Gantry.UnitTests.Concurrency;

public sealed class RollbackStackTests
{
    private readonly List<string> _undone = [];

    [Fact]
    public async Task DisposeAsync_NotCommitted_UndoesInReverse()
    {
        await using (var undo = new RollbackStack(NullLogger.Instance))
        {
            undo.Push("one", () => _undone.Add("one"));
            undo.Push("two", () => _undone.Add("two"));
        }

        Assert.Equal(["two", "one"], _undone);
    }

    [Fact]
    public async Task DisposeAsync_Committed_UndoesNothing()
    {
        await using (var undo = new RollbackStack(NullLogger.Instance))
        {
            undo.Push("one", () => _undone.Add("one"));
            undo.Commit();
        }

        Assert.Empty(_undone);
    }

    [Fact]
    public async Task DisposeAsync_AnUndoFails_TheOthersStillRun()
    {
        await using (var undo = new RollbackStack(NullLogger.Instance))
        {
            undo.Push("one", () => _undone.Add("one"));
            undo.Push("two", () => throw new IOException("disk"));
            undo.Push("three", () => Task.FromException(new InvalidOperationException("later")));
        }

        Assert.Equal(["one"], _undone);
    }
}
