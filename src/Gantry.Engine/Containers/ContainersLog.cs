using Gantry.Identity;
using Microsoft.Extensions.Logging;

namespace Gantry.Containers;

/// <summary>Event ids 3000 to 3199.</summary>
internal static partial class ContainersLog
{
    [LoggerMessage(EventId = 3000, Level = LogLevel.Information, Message = "Container {Container} ({Name}) was created in pod {Pod}")]
    public static partial void ContainerCreated(this ILogger log, ContainerId container, string name, PodId pod);

    [LoggerMessage(EventId = 3001, Level = LogLevel.Information, Message = "Container {Container} was started")]
    public static partial void ContainerStarted(this ILogger log, ContainerId container);

    [LoggerMessage(EventId = 3002, Level = LogLevel.Information, Message = "Container {Container} exited with {ExitCode} ({Reason}) after {Lifetime}")]
    public static partial void ContainerExited(this ILogger log, ContainerId container, int exitCode, string reason, TimeSpan lifetime);

    [LoggerMessage(EventId = 3003, Level = LogLevel.Information, Message = "Container {Container} was removed")]
    public static partial void ContainerRemoved(this ILogger log, ContainerId container);

    [LoggerMessage(EventId = 3004, Level = LogLevel.Warning, Message = "Container {Container}: not everything could be given back; it is tried again when it is removed")]
    public static partial void ReleaseFailed(this ILogger log, ContainerId container, Exception cause);

    [LoggerMessage(EventId = 3005, Level = LogLevel.Error, Message = "The exit of container {Container} could not be applied")]
    public static partial void ExitNotApplied(this ILogger log, ContainerId container, Exception cause);

    [LoggerMessage(EventId = 3006, Level = LogLevel.Warning, Message = "Container {Container} did not end within its grace period of {Grace}; it is killed")]
    public static partial void GraceEnded(this ILogger log, ContainerId container, TimeSpan grace);

    [LoggerMessage(EventId = 3007, Level = LogLevel.Warning, Message = "Container {Container} could not be started")]
    public static partial void StartFailed(this ILogger log, ContainerId container, Exception cause);

    [LoggerMessage(EventId = 3008, Level = LogLevel.Warning, Message = "Container {Container}: signal {Signal} could not be sent by its OCI runtime")]
    public static partial void SignalFailed(this ILogger log, ContainerId container, int signal, Exception cause);

    [LoggerMessage(EventId = 3009, Level = LogLevel.Warning, Message = "Container {Container}: its process has ended and its monitor does not tell; the monitor is killed")]
    public static partial void MonitorHangs(this ILogger log, ContainerId container);
}
