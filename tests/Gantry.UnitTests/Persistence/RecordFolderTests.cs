using System.Text;
using Gantry.Containers;
using Gantry.Containers.Selinux;
using Gantry.Faults;
using Gantry.Identity;
using Gantry.Linux.Namespaces;
using Gantry.Networking;
using Gantry.Persistence;
using Gantry.Pods;
using Gantry.UnitTests.Containers;
using Xunit;

namespace Gantry.UnitTests.Persistence;

public sealed class RecordFolderTests : IDisposable
{
    private readonly NodePaths _paths = new(Directory.CreateTempSubdirectory("gantry-records-").FullName, "/nonexistent");

    public void Dispose() => Directory.Delete(_paths.Root, recursive: true);

    public static TheoryData<string, byte[]> Damage => new()
    {
        { "empty", [] },
        { "zeros", new byte[400] },
        { "no JSON", "state"u8.ToArray() },
        { "null", "null"u8.ToArray() },
        { "empty object", "{}"u8.ToArray() },
        { "list", "[]"u8.ToArray() },
        { "binary", [0xff, 0xfe, 0x00, 0x80] },
        { "deep", Encoding.ASCII.GetBytes(new string('[', 5000)) },
    };

    [Theory]
    [MemberData(nameof(Damage))]
    public void Load_DamagedRecord_CostsItselfAlone(string kind, byte[] content)
    {
        _ = kind;
        var store = new PodStore(_paths);
        var (good, bad) = (Add(store), Add(store));
        File.WriteAllBytes(_paths.PodRecord(bad.Id), content);

        var again = new PodStore(_paths);
        var broken = again.Load();

        Assert.Equal([bad.Id.Value], broken);
        Assert.Equal([good.Id], again.All.Select(pod => pod.Id));
        Assert.Equal(content, File.ReadAllBytes(Path.Combine(_paths.BrokenRecords, $"pods-{bad.Id.Value}.json")));
    }

    [Fact]
    public void Load_TruncatedAnywhere_IsBroken()
    {
        var store = new PodStore(_paths);
        var pod = Add(store);
        var whole = File.ReadAllBytes(_paths.PodRecord(pod.Id));
        for (var length = 0; length < whole.Length; length += 13)
        {
            File.WriteAllBytes(_paths.PodRecord(pod.Id), whole[..length]);
            Assert.Single(new PodStore(_paths).Load());
        }
    }

    [Fact]
    public void Load_FlippedByteAnywhere_DoesNotStopTheStart()
    {
        var store = new ContainerStore(_paths);
        var container = Records.Container();
        Directory.CreateDirectory(_paths.Container(container.Id));
        store.Add(container);
        var whole = File.ReadAllBytes(_paths.ContainerRecord(container.Id));
        for (var at = 0; at < whole.Length; at += 11)
        {
            var flipped = whole.ToArray();
            flipped[at] ^= 0x20;
            File.WriteAllBytes(_paths.ContainerRecord(container.Id), flipped);
            var again = new ContainerStore(_paths);
            var broken = again.Load();
            Assert.Equal(1, again.All.Length + broken.Count);
        }
    }

    [Fact]
    public void Load_RecordInAnotherDirectory_IsBroken()
    {
        var store = new PodStore(_paths);
        var pod = Add(store);
        var other = PodId.New();
        Directory.CreateDirectory(_paths.Pod(other));
        File.Copy(_paths.PodRecord(pod.Id), _paths.PodRecord(other));

        var again = new PodStore(_paths);

        Assert.Equal([other.Value], again.Load());
        Assert.Single(again.All);
    }

    [Fact]
    public void Load_DirectoryWithoutARecord_IsTold()
    {
        var id = PodId.New();
        Directory.CreateDirectory(_paths.Pod(id));

        Assert.Equal([id.Value], new PodStore(_paths).Load());
    }

    [Fact]
    public void Pod_EverythingSet_ReadsBackAsTheSame()
    {
        var pod = Records.Pod();
        pod = pod with
        {
            State = PodState.NotReady,
            Addresses = ["10.0.0.2"],
            Pinned = ["net", "ipc"],
            InitPid = 7,
            CgroupPath = "/x",
            NetworkDetached = true,
            Selinux = new PodContexts("u:r:t:s0:c1,c2", "u:o:f:s0:c1,c2"),
            Spec = pod.Spec with
            {
                Labels = new Dictionary<string, string> { ["a"] = "ä\n\"" },
                Dns = new DnsSettings(["1.1.1.1"], [], ["ndots:5"]),
                PortMappings = [new PortMapping(TransportProtocol.Sctp, 1, 2, "")],
                Security = new PodSecurity
                {
                    RunAsUser = 5,
                    Selinux = new SelinuxLabel("u", "r", "t", "l"),
                    Seccomp = new SecurityProfile(ProfileKind.Localhost, "/p"),
                    Namespaces = new NamespaceSharing { Pid = NamespaceMode.Node, User = new UserNamespaceSpec(NamespaceMode.Pod, [new IdMapping(1, 2, 3)], []) },
                },
            },
        };

        var read = ReadBack(pod);

        Assert.Equal(Text(pod), Text(read));
        Assert.Equal("s0:c1,c2", read.Selinux!.Level());
    }

    [Fact]
    public void Container_EverythingSet_ReadsBackAsTheSame()
    {
        var container = Records.Container();
        container = container.Started(5).Exited(new ContainerEnd(255, 9, false) { Reason = ContainerEnd.Unknown, Message = "m" }) with
        {
            Released = true,
            Spec = container.Spec with
            {
                Environment = [new EnvironmentVariable("A", [0xff, 0])],
                Mounts = [new MountSpec("/a", "") { Image = new ImageSource("i"), ImageSubPath = "s" }],
                Devices = [new DeviceSpec("/dev/a", "/dev/b", "rw")],
                Security = new ContainerSecurity { AddCapabilities = ["ALL"], RunAsGroup = 3 },
            },
        };
        var store = new ContainerStore(_paths);
        Directory.CreateDirectory(_paths.Container(container.Id));
        store.Add(container);

        var again = new ContainerStore(_paths);

        Assert.Empty(again.Load());
        Assert.Equal(Text(container), Text(again.All.Single()));
    }

    [Fact]
    public void TryFind_AmbiguousPrefix_IsRefusedAndFullIdIsNot()
    {
        var store = new PodStore(_paths);
        var pods = Enumerable.Range(0, 17).Select(_ => Add(store)).ToList();
        var twice = pods.GroupBy(pod => pod.Id.Value[0]).First(group => group.Count() > 1);

        var failure = Assert.Throws<InvalidRequestException>(() => store.TryFind(twice.Key.ToString()));

        Assert.Contains("ambiguous", failure.Message, StringComparison.Ordinal);
        Assert.All(pods, pod => Assert.Equal(pod.Id, store.Get(pod.Id.Value).Id));
        Assert.Null(store.TryFind(""));
        Assert.Throws<NotFoundException>(() => store.Get(new string('f', 64)));
    }

    private PodRecord Add(PodStore store)
    {
        var pod = Records.Pod();
        Directory.CreateDirectory(_paths.Pod(pod.Id));
        store.Add(pod);
        return pod;
    }

    private PodRecord ReadBack(PodRecord pod)
    {
        Directory.CreateDirectory(_paths.Pod(pod.Id));
        new PodStore(_paths).Add(pod);
        var again = new PodStore(_paths);
        Assert.Empty(again.Load());
        return again.All.Single();
    }

    private static string Text(PodRecord pod) => System.Text.Json.JsonSerializer.Serialize(pod, PodJson.Default.PodRecord);

    private static string Text(ContainerRecord container) => System.Text.Json.JsonSerializer.Serialize(container, ContainerJson.Default.ContainerRecord);
}
