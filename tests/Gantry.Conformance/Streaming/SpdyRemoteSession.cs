using System.Globalization;
using System.Text;
using Gantry.Spdy;

namespace Gantry.Conformance.Streaming;

/// <summary>A session over SPDY, whose client opens a stream for each of its own.</summary>
internal sealed class SpdyRemoteSession : RemoteSession
{
    private readonly SpdyConnection _connection;
    private SpdyStream? _input;
    private SpdyStream? _resizes;

    private SpdyRemoteSession(RemoteProtocol protocol, Stream stream)
        : base(protocol)
    {
        _connection = new SpdyConnection(stream, SpdyRole.Client, new SpdyLimits(), TimeProvider.System);
        _ = _connection.RunAsync();
    }

    protected override Task Ended => Reading;

    private Task Reading { get; set; } = Task.CompletedTask;

    public static async Task<RemoteSession> OpenAsync(RemoteProtocol protocol, Stream stream, RemoteStreams streams)
    {
        var session = new SpdyRemoteSession(protocol, stream);
        var readings = new List<Task> { ReadAsync(await session.OpenAsync("error"), session.Status) };
        if (streams.Input)
            session._input = await session.OpenAsync("stdin");
        if (streams.Output)
            readings.Add(ReadAsync(await session.OpenAsync("stdout"), session.Output));
        if (streams.ErrorOutput && !streams.Terminal)
            readings.Add(ReadAsync(await session.OpenAsync("stderr"), session.ErrorOutput));
        if (streams.Terminal && protocol.HasResizes)
            session._resizes = await session.OpenAsync("resize");
        session.Reading = Task.WhenAll(readings);
        return session;
    }

    public override async Task WriteAsync(ReadOnlyMemory<byte> input) => await _input!.WriteAsync(input, CancellationToken.None);

    public override async Task EndInputAsync() => await _input!.FinishAsync();

    public override async Task ResizeAsync(int columns, int rows) => await _resizes!.WriteAsync(
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"Width\":{columns},\"Height\":{rows}}}")), CancellationToken.None);

    public override ValueTask DisposeAsync() => _connection.DisposeAsync();

    private Task<SpdyStream> OpenAsync(string kind) => _connection.OpenAsync(new Dictionary<string, string> { ["streamtype"] = kind }, CancellationToken.None);

    private static async Task ReadAsync(SpdyStream from, RemoteText to)
    {
        try
        {
            while (true)
            {
                var read = await from.Input.ReadAsync();
                foreach (var piece in read.Buffer)
                    to.Add(piece.Span);
                from.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    return;
            }
        }
        catch (SpdyException)
        {
            // Reset is over: Go's servers end their streams so.
        }
        finally
        {
            to.End();
        }
    }
}
