using System.Text;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Processes;
using Gantry.Monitor;
using Gantry.Monitor.Contract;

// One argument: the launch request's file. Descriptor 3: where to tell the daemon how the launch went.
if (args.Length != 1)
    return 2;
var report = new FileDescriptor(ControlMessage.ReportDescriptor);
ContainerProcess container;
MonitorLoop loop;
try
{
    var request = LaunchRequest.Parse(File.ReadAllText(args[0]));
    WorkingDirectory.Change(request.Bundle);
    ProcessWait.BecomeSubreaper();
    var log = new LogFile(request.LogPath);
    // Before the container runs: collectors look for the file as soon as the start is reported.
    log.Open();
    // Before the daemon hears of the container: it connects at once.
    var listener = UnixSocket.Listen(LaunchRequest.SocketName);
    container = ContainerProcess.Create(request);
    loop = new MonitorLoop(container, log, listener, new AttachClients(container, request.HasInputOnce), request.ExitPath);
}
catch (Exception e)
{
    DescriptorIo.WriteAll(report, Encoding.UTF8.GetBytes($"{ControlMessage.Error}{e.Message}\n"));
    return 1;
}
DescriptorIo.WriteAll(report, Encoding.UTF8.GetBytes($"{ControlMessage.Pid}{container.Pid}\n"));
report.Dispose();
// The launch's garbage is the monitor's whole weight from here on.
GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
loop.Run();
return 0;
