using System.Text;
using Gantry.Containers;
using Gantry.Faults;
using Gantry.Pods.Local;
using Xunit;

namespace Gantry.UnitTests.Pods.Local;

public sealed class ManifestReaderTests
{
    private const string Container = """{"name":"web","image":"nginx:1.19.10"}""";

    [Fact]
    public void Read_WholePod_IsTranslated()
    {
        var manifest = Read("""
            {"apiVersion":"v1","kind":"Pod",
             "metadata":{"name":"web","namespace":"shop","labels":{"app":"web"}},
             "spec":{
               "restartPolicy":"OnFailure","terminationGracePeriodSeconds":7,"shareProcessNamespace":true,
               "securityContext":{"runAsUser":1000,"seLinuxOptions":{"level":"s0:c1,c2"},"fsGroup":2000,"supplementalGroups":[3000],"sysctls":[{"name":"net.core.somaxconn","value":"1"}]},
               "volumes":[{"name":"data","emptyDir":{}},{"name":"host","hostPath":{"path":"/srv","type":"Directory"}}],
               "initContainers":[{"name":"init","image":"busybox","command":["true"]}],
               "containers":[{"name":"web","image":"nginx:1.19.10","args":["-g","daemon off;"],"env":[{"name":"A","value":"1"}],
                 "ports":[{"containerPort":80,"hostPort":8080,"protocol":"TCP"}],
                 "resources":{"requests":{"cpu":"250m"},"limits":{"cpu":"0.5","memory":"64Mi"}},
                 "securityContext":{"runAsUser":33,"seLinuxOptions":{"type":"my_t"},"readOnlyRootFilesystem":true,"allowPrivilegeEscalation":false,"capabilities":{"add":["NET_ADMIN"],"drop":["ALL"]}},
                 "volumeMounts":[{"name":"data","mountPath":"/data","subPath":"a/b","readOnly":true}]}]}}
            """);

        var container = Assert.Single(manifest.Containers);
        Assert.Equal(("shop", "web", RestartPolicy.OnFailure, TimeSpan.FromSeconds(7)), (manifest.Pod.Namespace, manifest.Pod.Name, manifest.RestartPolicy, manifest.Grace));
        Assert.Equal("init", Assert.Single(manifest.InitContainers).Spec.Name);
        Assert.Equal(["-g", "daemon off;"], container.Spec.Arguments);
        Assert.Equal((256, 50_000, 100_000, 64L << 20), (container.Spec.Resources.CpuShares, container.Spec.Resources.CpuQuota, container.Spec.Resources.CpuPeriod, container.Spec.Resources.MemoryLimit));
        Assert.Equal((33L, true, true), (container.Spec.Security.RunAsUser, container.Spec.Security.ReadOnlyRootfs, container.Spec.Security.NoNewPrivileges));
        Assert.Equal((new SelinuxLabel("", "", "my_t", ""), new SelinuxLabel("", "", "", "s0:c1,c2")), (container.Spec.Security.Selinux, manifest.Pod.Security.Selinux));
        Assert.Equal([3000, 2000], container.Spec.Security.SupplementalGroups);
        Assert.Equal(NamespaceMode.Pod, manifest.Pod.Security.Namespaces.Pid);
        Assert.Equal(8080, Assert.Single(manifest.Pod.PortMappings).HostPort);
        Assert.Equal("a/b", Assert.Single(container.VolumeMounts).SubPath);
        Assert.Equal(PullPolicy.IfNotPresent, container.PullPolicy);
        Assert.True(manifest.Pod.IsLocal);
        Assert.Empty(manifest.Notes);
    }

    [Theory]
    [InlineData("{", "is not valid JSON")]
    [InlineData("[]", "where an object is expected")]
    [InlineData("""{"apiVersion":"apps/v1","kind":"Deployment"}""", "it is a apps/v1 Deployment")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","kind":"Pod"}""", "is not valid JSON")]
    public void Read_NoPod_IsRefused(string json, string words) => Refused(json, words);

    [Theory]
    [InlineData("""{"containers":[]}""", "spec.containers is empty")]
    [InlineData("""{"containers":{}}""", "spec.containers is {}, where a list is expected")]
    [InlineData("""{"containers":[{"image":"a"}]}""", "spec.containers[0].name is missing")]
    [InlineData("""{"containers":[{"name":"a"}]}""", "spec.containers[0].image is missing")]
    [InlineData("""{"containers":[{"name":"A_b","image":"a"}]}""", "spec.containers[0].name is \"A_b\"")]
    [InlineData("""{"containers":[{"name":"../x","image":"a"}]}""", "spec.containers[0].name")]
    [InlineData("""{"containers":[{"name":"a","image":"a"},{"name":"a","image":"b"}]}""", "two containers are named 'a'")]
    [InlineData("""{"containers":[{"name":"a","imagee":"b"}]}""", "spec.containers[0].imagee is no field of a container; is 'image' meant?")]
    [InlineData("""{"containrs":[]}""", "spec.containrs is no field of a pod's spec; is 'containers' meant?")]
    [InlineData("""{"containers":[{"name":"a","image":"b","securityContext":{"runasuser":1}}]}""", "is 'runAsUser' meant?")]
    [InlineData("""{"containers":[{"name":"a","image":"b","command":"sh"}]}""", "spec.containers[0].command is \"sh\", where a list is expected")]
    [InlineData("""{"containers":[{"name":"a","image":"b","command":[1]}]}""", "where text is expected")]
    [InlineData("""{"containers":[{"name":"a","image":"b","env":[{"name":"A","value":1}]}]}""", "spec.containers[0].env[0].value is 1, where text is expected")]
    [InlineData("""{"containers":[{"name":"a","image":"b","env":[{"name":"A=B"}]}]}""", "a name without '='")]
    [InlineData("""{"containers":[{"name":"a","image":"b","env":[{"name":"A","valueFrom":{}}]}]}""", "valueFrom needs a cluster")]
    [InlineData("""{"containers":[{"name":"a","image":"b","ports":[{"containerPort":99999}]}]}""", "a port from 1 to 65535")]
    [InlineData("""{"containers":[{"name":"a","image":"b","ports":[{"containerPort":80,"hostPort":-1}]}]}""", "hostPort")]
    [InlineData("""{"containers":[{"name":"a","image":"b","ports":[{"containerPort":80,"protocol":"HTTP"}]}]}""", "TCP, UDP or SCTP")]
    [InlineData("""{"containers":[{"name":"a","image":"b","imagePullPolicy":"Sometimes"}]}""", "IfNotPresent or Always or Never")]
    [InlineData("""{"containers":[{"name":"a","image":"b","resources":{"limits":{"memory":"64MB"}}}]}""", "a quantity")]
    [InlineData("""{"containers":[{"name":"a","image":"b","volumeMounts":[{"name":"v","mountPath":"/x"}]}]}""", "mounts volume 'v', which spec.volumes does not have")]
    [InlineData("""{"containers":[{"name":"a","image":"b","volumeMounts":[{"name":"v","mountPath":"x"}]}]}""", "an absolute path")]
    [InlineData("""{"containers":[{"name":"a","image":"b","volumeMounts":[{"name":"v","mountPath":"/x","subPath":"../y"}]}]}""", "a relative path without '..'")]
    [InlineData("""{"containers":[{"name":"a","image":"b","volumeMounts":[{"name":"v","mountPath":"/x","subPathExpr":"$(A)"}]}]}""", "subPathExpr is not supported")]
    [InlineData("""{"containers":[{"name":"a","image":"b"}],"volumes":[{"name":"v","configMap":{"name":"c"}}]}""", "is of kind configMap")]
    [InlineData("""{"containers":[{"name":"a","image":"b"}],"volumes":[{"name":"v"}]}""", "is of kind nothing")]
    [InlineData("""{"containers":[{"name":"a","image":"b"}],"volumes":[{"name":"v","emptyDir":{}},{"name":"v","emptyDir":{}}]}""", "two volumes are named 'v'")]
    [InlineData("""{"containers":[{"name":"a","image":"b"}],"volumes":[{"name":"v","hostPath":{"path":"../etc"}}]}""", "an absolute path without '..'")]
    [InlineData("""{"containers":[{"name":"a","image":"b"}],"restartPolicy":"Sometimes"}""", "Always or OnFailure or Never")]
    [InlineData("""{"containers":[{"name":"a","image":"b"}],"hostUsers":false}""", "user namespace")]
    [InlineData("""{"containers":[{"name":"a","image":"b"}],"initContainers":[{"name":"s","image":"b","restartPolicy":"Always"}]}""", "sidecars")]
    public void Read_WrongSpec_IsRefusedByItsField(string spec, string words) =>
        Refused($$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{{spec}} }""", words);

    [Theory]
    [InlineData("""{}""", "metadata.name is missing")]
    [InlineData("""{"name":"UPPER"}""", "metadata.name")]
    [InlineData("""{"name":"p","namespace":"a/b"}""", "metadata.namespace")]
    [InlineData("""{"name":"p","label":{}}""", "is 'labels' meant?")]
    [InlineData("""{"name":"p","labels":{"a":1}}""", "where text is expected")]
    public void Read_WrongMetadata_IsRefused(string metadata, string words) =>
        Refused($$"""{"apiVersion":"v1","kind":"Pod","metadata":{{metadata}},"spec":{"containers":[{{Container}}] } }""", words);

    [Theory]
    [InlineData("nodeSelector", "{}")]
    [InlineData("dnsPolicy", "\"Default\"")]
    [InlineData("hostAliases", "[]")]
    [InlineData("activeDeadlineSeconds", "5")]
    public void Read_FieldsThatNobodyActsOn_BecomeNotes(string field, string value)
    {
        var manifest = Read($$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{{Container}}],"{{field}}":{{value}} } }""");

        Assert.Contains(field, Assert.Single(manifest.Notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nginx", PullPolicy.Always)]
    [InlineData("nginx:latest", PullPolicy.Always)]
    [InlineData("host:5000/nginx", PullPolicy.Always)]
    [InlineData("nginx:1", PullPolicy.IfNotPresent)]
    [InlineData("host:5000/nginx:1", PullPolicy.IfNotPresent)]
    public void Read_NoPullPolicy_IsTheKubeletsDefault(string image, PullPolicy expected)
    {
        var manifest = Read($$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"{{image}}"}] } }""");

        Assert.Equal(expected, manifest.Containers[0].PullPolicy);
    }

    [Fact]
    public void Read_RunAsNonRoot_OfThePodCountsForItsContainers()
    {
        var manifest = Read($$"""
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},
             "spec":{"securityContext":{"runAsNonRoot":true},"containers":[{{Container}},{"name":"b","image":"x","securityContext":{"runAsNonRoot":false} } ] } }
            """);

        Assert.Equal([true, false], manifest.Containers.Select(container => container.MustNotBeRoot));
    }

    [Theory]
    [InlineData("1", 1000)]
    [InlineData("500m", 500)]
    [InlineData("0.5", 500)]
    [InlineData("1.0001", 1001)]
    [InlineData("2k", 2_000_000)]
    [InlineData("64Mi", 64L * 1024 * 1024 * 1000)]
    public void Quantity_Texts_AreThousandthsRoundedUp(string text, long expected)
    {
        Assert.True(Quantity.TryParseMilli(text, out var milli));
        Assert.Equal(expected, milli);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Mi")]
    [InlineData("-1")]
    [InlineData("1e3x")]
    [InlineData("1 Gi")]
    [InlineData("9999999999999999999Ti")]
    public void Quantity_Others_AreNone(string text) => Assert.False(Quantity.TryParseMilli(text, out _));

    private static void Refused(string json, string words) =>
        Assert.Contains(words, Assert.Throws<InvalidRequestException>(() => Read(json)).Message, StringComparison.Ordinal);

    private static PodManifest Read(string json) => ManifestReader.Read(Encoding.UTF8.GetBytes(json));
}
