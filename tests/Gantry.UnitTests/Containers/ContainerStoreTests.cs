using Gantry.Cgroups;
using Gantry.Containers;
using Gantry.Faults;
using Gantry.Persistence;
using Xunit;

namespace Gantry.UnitTests.Containers;

public sealed class ContainerStoreTests : IDisposable
{
    private readonly NodePaths _paths = new(Directory.CreateTempSubdirectory("gantry-store-").FullName, "/nonexistent");
    private readonly ContainerStore _store;

    public ContainerStoreTests() => _store = new ContainerStore(_paths);

    public void Dispose() => Directory.Delete(_paths.Root, recursive: true);

    [Fact]
    public async Task WaitForExitAsync_Exit_Completes()
    {
        var container = Add();
        var waiting = _store.WaitForExitAsync(container.Id);
        Assert.False(waiting.IsCompleted);

        _store.Update(container.Id, record => record.Exited(new ContainerEnd(0, 5, false)));

        await waiting;
        await _store.WaitForExitAsync(container.Id);
    }

    [Fact]
    public async Task WaitForExitAsync_Removal_Completes()
    {
        var container = Add();
        var waiting = _store.WaitForExitAsync(container.Id);

        _store.Remove(container.Id);

        await waiting;
    }

    [Fact]
    public void Update_DirectoryIsGone_ExitIsKnownAllTheSame()
    {
        var container = Add();
        Directory.Delete(_paths.Container(container.Id), recursive: true);

        var after = _store.Update(container.Id, record => record.Exited(new ContainerEnd(3, 5, false)));

        Assert.Equal(ContainerState.Exited, after!.State);
        Assert.Equal(3, _store.Get(container.Id.Value).End!.Code);
    }

    [Fact]
    public void Update_OtherChangeThatCannotBeWritten_IsNotMade()
    {
        var container = Add();
        Directory.Delete(_paths.Container(container.Id), recursive: true);

        Assert.ThrowsAny<IOException>(() => _store.Update(container.Id, record => record with { Resources = new LinuxResources { CpuShares = 5 } }));
        Assert.Equal(0, _store.Get(container.Id.Value).Resources.CpuShares);
    }

    [Fact]
    public void Record_Transitions_AreThoseOfItsLife()
    {
        var created = Records.Container();
        var running = created.Started(5);
        var exited = running.Exited(new ContainerEnd(0, 9, false));

        Assert.Throws<WrongStateException>(() => running.Started(6));
        Assert.Throws<WrongStateException>(() => exited.Started(6));
        Assert.Same(exited, exited.Exited(new ContainerEnd(1, 10, false)));
        Assert.Equal("Completed", exited.End!.Reason);
        Assert.Equal("Error", new ContainerEnd(1, 1, false).Reason);
        Assert.Equal("OOMKilled", new ContainerEnd(0, 1, true).Reason);
    }

    [Fact]
    public void Merge_WhatWasNotGiven_StaysAsItWas()
    {
        var before = new LinuxResources { CpuShares = 100, MemoryLimit = 1000, CpusetCpus = "0" };

        var after = ContainerUpdater.Merge(before, new LinuxResources { MemoryLimit = 2000 });

        Assert.Equal((100, 2000, "0"), (after.CpuShares, after.MemoryLimit, after.CpusetCpus));
    }

    private ContainerRecord Add()
    {
        var container = Records.Container();
        Directory.CreateDirectory(_paths.Container(container.Id));
        _store.Add(container);
        return container;
    }
}
