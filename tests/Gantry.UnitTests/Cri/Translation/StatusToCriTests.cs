using Gantry.Containers;
using Gantry.Cri.Translation;
using Gantry.Identity;
using Gantry.UnitTests.Containers;
using Xunit;
using ContainerState = Gantry.Cri.Api.ContainerState;

namespace Gantry.UnitTests.Cri.Translation;

public sealed class StatusToCriTests
{
    [Fact]
    public void ContainerStatus_AfterItsImageIsGone_NamesItStill()
    {
        var status = StatusToCri.ContainerStatus(Records.Container());

        Assert.NotEqual("", status.Image.Image);
        Assert.NotEqual("", status.ImageRef);
        Assert.Equal(status.ImageId, StatusToCri.ContainerEntry(Records.Container()).ImageId);
        Assert.NotEqual(0, status.CreatedAt);
    }

    [Fact]
    public void ContainerStatus_Exited_TellsCodeReasonAndTimes()
    {
        var exited = Records.Container().Started(2_000).Exited(new ContainerEnd(137, 3_000, OomKilled: true));

        var status = StatusToCri.ContainerStatus(exited);

        Assert.Equal(ContainerState.ContainerExited, status.State);
        Assert.Equal((137, "OOMKilled", 2_000L, 3_000L), (status.ExitCode, status.Reason, status.StartedAt, status.FinishedAt));
    }

    [Fact]
    public void ContainerStatus_Mounts_ComeBackAsTheyWereSent()
    {
        var record = Records.Container();
        record = record with { Spec = record.Spec with { Mounts = [new MountSpec("/data/", "/tmp/./x") { ReadOnly = true }] } };

        var mount = Assert.Single(StatusToCri.ContainerStatus(record).Mounts);

        Assert.Equal(("/data/", "/tmp/./x", true), (mount.ContainerPath, mount.HostPath, mount.Readonly));
    }

    [Fact]
    public void PodStatus_SeveralAddresses_FirstIsTheIp()
    {
        var status = StatusToCri.PodStatus(Records.Pod() with { Addresses = ["10.0.0.2", "fd00::2"] });

        Assert.Equal("10.0.0.2", status.Network.Ip);
        Assert.Equal("fd00::2", Assert.Single(status.Network.AdditionalIps).Ip);
    }

    [Fact]
    public void Ids_AreSixtyFourHexDigits()
    {
        Assert.Matches("^[0-9a-f]{64}$", PodId.New().Value);
        Assert.Matches("^[0-9a-f]{64}$", ContainerId.New().Value);
    }
}
