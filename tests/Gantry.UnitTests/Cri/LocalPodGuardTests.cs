using Gantry.Cri;
using Google.Protobuf.Reflection;
using Xunit;

namespace Gantry.UnitTests.Cri;

public sealed class LocalPodGuardTests
{
    public static TheoryData<string> RequestsOfPods => With("pod_sandbox_id");

    public static TheoryData<string> RequestsOfContainers => With("container_id");

    [Theory]
    [MemberData(nameof(RequestsOfPods))]
    public void PodOf_EveryRequestAboutAPod_IsRead(string message) =>
        Assert.Equal("x", LocalPodGuard.PodOf(Make(message, "pod_sandbox_id")));

    [Theory]
    [MemberData(nameof(RequestsOfContainers))]
    public void ContainerOf_EveryRequestAboutAContainer_IsRead(string message) =>
        Assert.Equal("x", LocalPodGuard.ContainerOf(Make(message, "container_id")));

    private static TheoryData<string> With(string field) =>
    [
        .. Gantry.Cri.Api.RuntimeService.Descriptor.Methods.Select(method => method.InputType).Where(type => type.FindFieldByName(field) is not null).Select(type => type.Name).Distinct(),
    ];

    private static object Make(string message, string field)
    {
        var type = Gantry.Cri.Api.RuntimeService.Descriptor.File.FindTypeByName<MessageDescriptor>(message);
        var request = type.Parser.ParseFrom([]);
        type.FindFieldByName(field).Accessor.SetValue(request, "x");
        return request;
    }
}
