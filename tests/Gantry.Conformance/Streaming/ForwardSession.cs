using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using Gantry.Spdy;

namespace Gantry.Conformance.Streaming;

/// <summary>A client's side of a port forward over SPDY: any number of connections.</summary>
public sealed class ForwardSession : IAsyncDisposable
{
    public const string Protocol = "portforward.k8s.io";
    private readonly SpdyConnection _connection;
    private int _count;

    private ForwardSession(Stream stream)
    {
        _connection = new SpdyConnection(stream, SpdyRole.Client, new SpdyLimits(), TimeProvider.System);
        _ = _connection.RunAsync();
    }

    /// <summary>Completes when the server has closed.</summary>
    public Task Ended => _connection.Ended;

    public static async Task<ForwardSession> OpenAsync(SpecContext cri, SpecPod pod)
    {
        var answer = await HttpUpgrade.AskForSpdyAsync(cri.Settings, new Uri(await cri.PortForwardUrlAsync(pod)), Protocol);
        Check.Equal(101, answer.Status);
        return new ForwardSession(answer.Stream);
    }

    /// <summary>As kubectl does it now: SPDY in the messages of a WebSocket.</summary>
    public static async Task<ForwardSession> OpenTunnelAsync(SpecContext cri, SpecPod pod)
    {
        const string Tunnel = "SPDY/3.1+" + Protocol;
        var answer = await HttpUpgrade.AskForWebSocketAsync(cri.Settings, new Uri(await cri.PortForwardUrlAsync(pod)), Tunnel);
        Check.Equal(101, answer.Status);
        Check.Equal(Tunnel, answer.Headers.GetValueOrDefault("sec-websocket-protocol", ""));
        return new ForwardSession(new TunnelStream(WebSocket.CreateFromStream(answer.Stream, new WebSocketCreationOptions { IsServer = false })));
    }

    /// <summary>Opens a connection to a port of the pod.</summary>
    /// <param name="withRequest">Clients of old give no request's number.</param>
    public async Task<ForwardedConnection> ConnectAsync(int port, bool withRequest = true)
    {
        var request = withRequest ? Interlocked.Increment(ref _count).ToString(CultureInfo.InvariantCulture) : null;
        var error = await _connection.OpenAsync(Headers("error", port, request), CancellationToken.None);
        var data = await _connection.OpenAsync(Headers("data", port, request), CancellationToken.None);
        await error.FinishAsync();
        return new ForwardedConnection(data, error);
    }

    /// <summary>Opens one stream alone, with these headers.</summary>
    public Task<SpdyStream> OpenStreamAsync(IReadOnlyDictionary<string, string> headers) => _connection.OpenAsync(headers, CancellationToken.None);

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static Dictionary<string, string> Headers(string kind, int port, string? request)
    {
        var headers = new Dictionary<string, string> { ["streamtype"] = kind, ["port"] = port.ToString(CultureInfo.InvariantCulture) };
        if (request is not null)
            headers["requestid"] = request;
        return headers;
    }
}

/// <summary>One forwarded connection.</summary>
public sealed record ForwardedConnection(SpdyStream Data, SpdyStream Error)
{
    public async Task WriteAsync(string text) => await Data.WriteAsync(Encoding.UTF8.GetBytes(text), CancellationToken.None);

    /// <summary>Sends a text, finishes, and reads to the end.</summary>
    public async Task<string> AskAsync(string text)
    {
        try
        {
            await WriteAsync(text);
            await Data.FinishAsync();
        }
        catch (SpdyException)
        {
            // Reset already: there is an end to read.
        }
        return await ReadToEndAsync(Data);
    }

    /// <summary>What went wrong; empty for nothing.</summary>
    public Task<string> ProblemAsync() => ReadToEndAsync(Error);

    public static async Task<string> ReadToEndAsync(SpdyStream stream)
    {
        using var bytes = new MemoryStream();
        try
        {
            await stream.Input.CopyToAsync(bytes).WaitAsync(TimeSpan.FromSeconds(60));
        }
        catch (SpdyException)
        {
            // A reset ends it.
        }
        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
