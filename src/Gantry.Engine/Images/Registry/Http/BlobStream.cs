using System.Diagnostics;
using System.Net;
using Gantry.Faults;
using Gantry.Linux.Descriptors;

namespace Gantry.Images.Registry.Http;

/// <summary>
/// A blob's bytes from one server. A connection that breaks, ends early or stays silent is taken up where it broke (HTTP
/// ranges); a server that knows no ranges is read from the start again, and the part that is known is dropped. The digest,
/// not the server, says in the end whether the bytes are right.
/// </summary>
/// <param name="silence">How long may be waited for the server until <see cref="LeastProgress"/> has arrived: a byte now and then is no progress.</param>
internal sealed class BlobStream(RegistryRequests requests, RegistryRequest request, long size, TimeSpan silence, IReadOnlyList<RateLimit> rates) : ReadOnlyStream
{
    internal const int LeastProgress = 64 << 10;

    private const int MostBreaks = 5;
    private HttpResponseMessage? _response;
    private Stream? _body;
    private long _position;
    private int _breaks;
    private TimeSpan _waited;
    private int _arrived;

    public override long Length => size;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    /// <summary>Sends the first request, so that a server that has not the blob says so before anything is made for it.</summary>
    public async Task OpenAsync(CancellationToken cancel)
    {
        if (_body is not null)
            return;
        // Taking up a broken answer is a try by itself: tries of tries would be many.
        _response = await requests.SendAsync(_breaks == 0 ? request : request with { From = _position, Tries = 1 }, cancel);
        _body = await _response.Content.ReadAsStreamAsync(cancel);
        if (_position > 0)
            await SkipAsync(cancel);
    }

    /// <exception cref="RegistryUnavailableException">It broke too often.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            try
            {
                await OpenAsync(cancellationToken);
                var read = await ReadPieceAsync(buffer, cancellationToken);
                if (read > 0 || _position >= size || buffer.IsEmpty)
                {
                    _position += read;
                    foreach (var rate in rates)
                        await rate.TakeAsync(read, cancellationToken);
                    return read;
                }
                throw new HttpIOException(HttpRequestError.ResponseEnded, $"the answer ended after {_position} of {size} bytes");
            }
            catch (Exception e) when (IsBreak(e) && !cancellationToken.IsCancellationRequested)
            {
                Break();
                if (++_breaks > MostBreaks)
                    throw new RegistryUnavailableException($"{request.Host.Text}: {request.What} of {request.Image} broke {_breaks} times, the last time after {_position} of {size} bytes: {HttpProblem.Describe(e)}", e);
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Break();
        base.Dispose(disposing);
    }

    private static bool IsBreak(Exception e) => e is IOException or TimeoutException || HttpProblem.IsBroken(e);

    private async ValueTask<int> ReadPieceAsync(Memory<byte> buffer, CancellationToken cancel)
    {
        var reading = _body!.ReadAsync(buffer, cancel);
        // Mostly there is something at once, and no clock is needed.
        if (reading.IsCompleted)
            return Arrived(await reading);
        var began = Stopwatch.GetTimestamp();
        try
        {
            // Only waiting counts: this node's own limits and disk may be slow.
            var read = await reading.AsTask().WaitAsync(_waited < silence ? silence - _waited : TimeSpan.Zero, cancel);
            _waited += Stopwatch.GetElapsedTime(began);
            return Arrived(read);
        }
        catch (TimeoutException)
        {
            var arrived = _arrived;
            Break();
            throw new TimeoutException($"{(arrived == 0 ? "nothing" : $"no more than {arrived} bytes")} arrived for {silence.TotalSeconds:0.#} s");
        }
    }

    private int Arrived(int read)
    {
        _arrived += read;
        if (_arrived >= LeastProgress)
            (_arrived, _waited) = (0, TimeSpan.Zero);
        return read;
    }

    /// <summary>Checks that the answer begins where the last one broke; drops what a server without ranges sends again.</summary>
    private async Task SkipAsync(CancellationToken cancel)
    {
        if (_response!.StatusCode is HttpStatusCode.PartialContent)
        {
            if (_response.Content.Headers.ContentRange?.From != _position)
                throw new RegistryRefusedException($"{request.Host.Text}: asked for {request.What} from byte {_position}, it answers with another range");
            return;
        }
        var buffer = new byte[64 << 10];
        for (var left = _position; left > 0;)
        {
            var read = await ReadPieceAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), cancel);
            if (read == 0)
                throw new HttpIOException(HttpRequestError.ResponseEnded, "the answer is shorter than the last one");
            left -= read;
        }
    }

    private void Break()
    {
        _response?.Dispose();
        _response = null;
        _body = null;
        (_arrived, _waited) = (0, TimeSpan.Zero);
    }
}
