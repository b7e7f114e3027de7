using System.Diagnostics;
using System.Net.Sockets;
using Gantry.Conformance;
using Gantry.Cri.Api;

namespace Gantry.NodeBench;

/// <summary>From the daemon's exec to the first answer of Version, as a kubelet that waits for it sees it.</summary>
public sealed class StartScenario(string command, string socket)
{
    private const int Times = 10;

    public async Task RunAsync(Samples samples)
    {
        for (var n = 0; n < Times; n++)
        {
            var words = command.Split(' ');
            var began = Stopwatch.GetTimestamp();
            using var daemon = Process.Start(new ProcessStartInfo(words[0], words[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            using var cri = new CriConnection(socket);
            await AnswerAsync(cri);
            samples.Add("exec to Version", Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            using var end = Process.Start("kill", daemon.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
            await daemon.WaitForExitAsync();
        }
    }

    /// <summary>A refused call costs this client more than the daemon's start: it calls when somebody listens.</summary>
    private async Task AnswerAsync(CriConnection cri)
    {
        while (!await ListensAsync())
            await Task.Delay(1);
        await cri.Runtime.VersionAsync(new VersionRequest());
    }

    private async Task<bool> ListensAsync()
    {
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await client.ConnectAsync(new UnixDomainSocketEndPoint(socket));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
