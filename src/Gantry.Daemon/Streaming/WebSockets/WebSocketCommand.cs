using System.Net.WebSockets;

namespace Gantry.Streaming.WebSockets;

/// <summary>A command's streams over a WebSocket, a channel each.</summary>
internal sealed class WebSocketCommand : RemoteCommand
{
    private const int InputChannel = 0;
    private const int OutputChannel = 1;
    private const int ErrorChannel = 2;
    private const int StatusChannel = 3;
    private const int ResizeChannel = 4;
    private readonly ChannelConnection _connection;
    private readonly ChannelProtocol _protocol;
    private readonly Task _running;

    public WebSocketCommand(WebSocket socket, ChannelProtocol protocol, CommandStreams asked, Task gone, Action touch)
    {
        _protocol = protocol;
        _connection = new ChannelConnection(socket, protocol, touch, [asked.Input, false, false, false, asked.Terminal]);
        Left = Task.WhenAny(_connection.Ended, gone);
        Input = asked.Input ? _connection.Input(InputChannel) : null;
        Output = asked.Output ? new ChannelOutput(_connection, OutputChannel) : null;
        ErrorOutput = asked.ErrorOutput ? new ChannelOutput(_connection, ErrorChannel) : null;
        Resizes = asked.Terminal ? _connection.Input(ResizeChannel) : null;
        _running = _connection.RunAsync();
    }

    public override Task Left { get; }

    /// <summary>Clients of the older protocols wait for an empty message that says that the connection stands.</summary>
    public async Task GreetAsync()
    {
        if (_protocol.HasClose)
            return;
        try
        {
            await _connection.SendAsync(Output is not null ? OutputChannel : ErrorOutput is not null ? ErrorChannel : StatusChannel, ReadOnlyMemory<byte>.Empty, CancellationToken.None);
        }
        catch (IOException)
        {
            // It has left already; the session finds out.
        }
    }

    public override async Task EndAsync(RemoteStatus status)
    {
        var bytes = _protocol.StatusIsJson ? status.ToJson() : status.ToText();
        try
        {
            if (bytes.Length > 0)
                await _connection.SendAsync(StatusChannel, bytes, CancellationToken.None);
        }
        catch (IOException)
        {
            // The client has left.
        }
        if (Input is not null)
            await Input.CompleteAsync();
        if (Resizes is not null)
            await Resizes.CompleteAsync();
        await _connection.CloseAsync();
        await _running;
    }

    public override ValueTask DisposeAsync() => _connection.DisposeAsync();
}
