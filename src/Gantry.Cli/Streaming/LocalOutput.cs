namespace Gantry.Cli.Streaming;

/// <summary>Writes a command's bytes to this program's own output.</summary>
internal static class LocalOutput
{
    /// <exception cref="ReaderLeftException">Whoever read it has left.</exception>
    public static async ValueTask WriteAsync(Stream target, ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        try
        {
            await target.WriteAsync(bytes, cancel);
            await target.FlushAsync(cancel);
        }
        catch (IOException e)
        {
            throw new ReaderLeftException(e);
        }
    }
}
