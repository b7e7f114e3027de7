using Gantry.Cri;
using Gantry.Faults;
using Gantry.Linux;
using Grpc.Core;
using Xunit;

namespace Gantry.UnitTests.Cri;

public sealed class CallGateTests
{
    public static TheoryData<Exception, StatusCode> Mapping => new()
    {
        { new NotFoundException("x"), StatusCode.NotFound },
        { new AlreadyExistsException("x"), StatusCode.AlreadyExists },
        { new InvalidRequestException("x"), StatusCode.InvalidArgument },
        { new WrongStateException("x"), StatusCode.FailedPrecondition },
        { new TimedOutException("x"), StatusCode.DeadlineExceeded },
        { new ResourceExhaustedException("x"), StatusCode.ResourceExhausted },
        { new UnavailableException("x"), StatusCode.Unavailable },
        { new CorruptContentException("x"), StatusCode.FailedPrecondition },
        { new ToolFailedException("x", 1, ""), StatusCode.Internal },
        // The kubelet would never call again.
        { new NotSupportedException("x"), StatusCode.Internal },
        { new SyscallException("open", Errno.EMFILE, "x"), StatusCode.ResourceExhausted },
        { new SyscallException("open", Errno.EACCES, "x"), StatusCode.Internal },
        { new InvalidOperationException("x"), StatusCode.Internal },
    };

    [Theory]
    [MemberData(nameof(Mapping))]
    public void StatusOf_EachFailure_HasItsCodeAndItsWords(Exception failure, StatusCode expected)
    {
        var status = CallGate.StatusOf(failure, callerLeft: false);

        Assert.Equal(expected, status.StatusCode);
        Assert.Contains("x", status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(28)]
    [InlineData(122)]
    public void StatusOf_FullDisk_IsExhaustionAndSaysWhatToDo(int errno)
    {
        var status = CallGate.StatusOf(new IOException("No space left on device : '/var/lib/gantry/x'", errno), callerLeft: false);

        Assert.Equal(StatusCode.ResourceExhausted, status.StatusCode);
        Assert.Contains("/var/lib/gantry/x", status.Detail, StringComparison.Ordinal);
        Assert.Contains("free some space", status.Detail, StringComparison.Ordinal);
    }

    public static TheoryData<Exception, string> KubeletsPrefixes => new()
    {
        { new RegistryUnavailableException("why"), "RegistryUnavailable: why" },
        { new SignatureInvalidException("why"), "SignatureValidationFailed: why" },
        { new ImageVolumeException("why"), "ImageVolumeMountFailed: why" },
        { new RecursiveReadOnlyUnsupportedException("why"), "RROUnsupported: why" },
    };

    [Theory]
    [MemberData(nameof(KubeletsPrefixes))]
    public void StatusOf_WhatTheKubeletReadsByItsPrefix_HasCodeUnknown(Exception failure, string expected)
    {
        var status = CallGate.StatusOf(failure, callerLeft: false);

        Assert.Equal((StatusCode.Unknown, expected), (status.StatusCode, status.Detail));
    }

    [Fact]
    public void StatusOf_Cancellation_IsTheCallersOnlyIfItLeft()
    {
        Assert.Equal(StatusCode.Cancelled, CallGate.StatusOf(new OperationCanceledException(), callerLeft: true).StatusCode);
        Assert.Equal(StatusCode.Internal, CallGate.StatusOf(new OperationCanceledException(), callerLeft: false).StatusCode);
    }
}
