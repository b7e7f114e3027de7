using System.Diagnostics;
using Gantry.Conformance;
using Gantry.Cri.Api;
using Grpc.Core;

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

    private static async Task AnswerAsync(CriConnection cri)
    {
        for (; ; )
        {
            try
            {
                await cri.Runtime.VersionAsync(new VersionRequest());
                return;
            }
            catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable or StatusCode.Internal)
            {
                await Task.Delay(2);
            }
        }
    }
}
