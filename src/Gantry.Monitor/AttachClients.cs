using Gantry.Linux.Descriptors;

namespace Gantry.Monitor;

/// <summary>What an attached connection carries.</summary>
internal enum AttachKind
{
    Input,
    Output,
    Error,
    Terminal,
}

/// <summary>
/// The connections that are attached to the container's streams. The kernel holds what a client has not read yet, up to a
/// bound; a client that is further behind is cut off, and the container never waits for it. A terminal's client alone is
/// waited for while it takes anything at all: it is the one that drives what it reads.
/// </summary>
internal sealed class AttachClients(ContainerProcess container, bool endsInput)
{
    private const int Most = 32;
    private const int Buffer = 4 << 20;
    private const int StallMilliseconds = 10_000;
    private readonly Client?[] _clients = new Client?[Most];
    private readonly AttachInput _input = new(container, endsInput);

    /// <summary>Whether a terminal's client has so much before it that the terminal waits.</summary>
    public bool IsBehind { get; private set; }

    /// <summary>Takes a connection over; false where there are too many.</summary>
    public bool TryAdd(AttachKind kind, FileDescriptor connection)
    {
        var free = Array.IndexOf(_clients, null);
        if (free < 0)
            free = Array.FindIndex(_clients, client => client!.HasLeft);
        if (free < 0)
            return false;
        _clients[free]?.Connection.Dispose();
        if (kind is not AttachKind.Input)
            UnixSocket.SetSendBuffer(connection, Buffer);
        _clients[free] = new Client(kind, connection);
        return true;
    }

    public void AddTo(Poller poller)
    {
        _input.AddTo(poller);
        foreach (var client in _clients)
        {
            if (client is null)
                continue;
            client.WritePlace = client.IsFull ? poller.Add(client.Connection, write: true) : -1;
            client.IsRead = !(client.IsSource && _input.IsWaiting);
            client.Place = client.HasLeft ? -1 : client.IsRead ? poller.Add(client.Connection) : poller.AddForHangUp(client.Connection);
        }
    }

    public void Serve(Poller poller)
    {
        _input.Serve(poller);
        for (var n = 0; n < Most; n++)
        {
            if (_clients[n] is not { } client)
                continue;
            if (poller.IsReady(client.Place) && !Receive(client))
                Drop(n);
            else if (client.IsFull)
                CheckStall(n, client, poller.IsReady(client.WritePlace));
        }
        Recount();
    }

    /// <summary>Passes on what the container has written.</summary>
    /// <param name="kind">Output or Error; a terminal's output is Output.</param>
    public void Send(AttachKind kind, ReadOnlySpan<byte> bytes)
    {
        for (var n = 0; n < Most; n++)
        {
            if (_clients[n] is not { } client || !(client.Kind == kind || (client.Kind is AttachKind.Terminal && kind is AttachKind.Output)))
                continue;
            if (DescriptorIo.Write(client.Connection, bytes, out var count) is not IoOutcome.Done || count < bytes.Length)
            {
                Drop(n);
            }
            else if (client.Kind is AttachKind.Terminal && !client.IsFull && !Poller.IsWritable(client.Connection))
            {
                client.IsFull = true;
                client.FullSince = Environment.TickCount64;
                IsBehind = true;
            }
        }
    }

    /// <summary>The container writes no more of that kind: its clients read what is there, and then the end.</summary>
    public void End(AttachKind kind)
    {
        for (var n = 0; n < Most; n++)
        {
            if (_clients[n] is { } client && (client.Kind == kind || (client.Kind is AttachKind.Terminal && kind is AttachKind.Output)))
                Drop(n);
        }
        if (container.HasTerminal)
            _input.Forget();
    }

    /// <returns>False when the client has left, or is done.</returns>
    private bool Receive(Client client)
    {
        if (!client.IsRead)
        {
            // What it had sent waits in the kernel for the container; it is taken then, and the connection closed.
            client.HasLeft = true;
            return true;
        }
        if (client.IsSource)
            return _input.IsWaiting || _input.Take(client.Connection);
        // Clients of outputs have nothing to say but that they leave.
        return DescriptorIo.Read(client.Connection, stackalloc byte[64], out _) is IoOutcome.Done or IoOutcome.WouldBlock;
    }

    private void CheckStall(int n, Client client, bool isWritable)
    {
        if (isWritable)
            client.IsFull = false;
        else if (Environment.TickCount64 - client.FullSince > StallMilliseconds)
            Drop(n);
    }

    private void Drop(int n)
    {
        _clients[n]!.Connection.Dispose();
        _clients[n] = null;
        Recount();
    }

    private void Recount()
    {
        IsBehind = false;
        foreach (var client in _clients)
            IsBehind |= client is { IsFull: true };
        if (_input.IsWaiting)
            return;
        // Those that left while the input waited are read again, to their ends.
        foreach (var client in _clients)
        {
            if (client is not null)
                client.HasLeft = false;
        }
    }

    private sealed class Client(AttachKind kind, FileDescriptor connection)
    {
        public AttachKind Kind { get; } = kind;

        public FileDescriptor Connection { get; } = connection;

        public bool IsSource => Kind is AttachKind.Input or AttachKind.Terminal;

        public int Place { get; set; }

        /// <summary>Whether it was polled for what it sends, and not for its leaving alone.</summary>
        public bool IsRead { get; set; }

        public int WritePlace { get; set; }

        public bool IsFull { get; set; }

        public long FullSince { get; set; }

        /// <summary>It has gone while what it had sent could not be taken yet.</summary>
        public bool HasLeft { get; set; }
    }
}
