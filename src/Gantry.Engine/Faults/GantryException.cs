namespace Gantry.Faults;

/// <summary>
/// A failure that the caller can act on. Its message starts with the thing that failed, says what is wrong with it and,
/// where that is not plain, what to do; the edge turns its kind into a status code and passes the message on as it is.
/// </summary>
public abstract class GantryException : Exception
{
    protected GantryException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}

/// <summary>The named object does not exist.</summary>
public sealed class NotFoundException(string message, Exception? cause = null) : GantryException(message, cause);

/// <summary>Another live object has that name.</summary>
public sealed class AlreadyExistsException(string message, Exception? cause = null) : GantryException(message, cause);

/// <summary>What was asked cannot be right, whatever the node's state is.</summary>
public sealed class InvalidRequestException(string message, Exception? cause = null) : GantryException(message, cause);

/// <summary>The right thing in the wrong state: a later try, after something else was done, may succeed.</summary>
public sealed class WrongStateException(string message, Exception? cause = null) : GantryException(message, cause);

/// <summary>A limit of ours ran out: an exec's time-out, a plugin's or a runtime's deadline.</summary>
public sealed class TimedOutException(string message, Exception? cause = null) : GantryException(message, cause);

/// <summary>The node has run out of something: disk, inodes, descriptors, stream tokens.</summary>
public sealed class ResourceExhaustedException(string message, Exception? cause = null) : GantryException(message, cause);

/// <summary>The daemon cannot answer yet or any more: it recovers, or it stops.</summary>
public sealed class UnavailableException(string message, Exception? cause = null) : GantryException(message, cause);

/// <summary>No registry that may serve the image could be reached; the kubelet reads this from the message's prefix.</summary>
public sealed class RegistryUnavailableException(string message, Exception? cause = null) : GantryException(message, cause);

/// <summary>An image's signature is missing or wrong; the kubelet reads this from the message's prefix.</summary>
public sealed class SignatureInvalidException(string message, Exception? cause = null) : GantryException(message, cause);

/// <summary>An image cannot be mounted as a volume; the kubelet reads this from the message's prefix.</summary>
public sealed class ImageVolumeException(string message, Exception? cause = null) : GantryException(message, cause);

/// <summary>This node cannot mount recursively read-only; the kubelet reads this from the message's prefix.</summary>
public sealed class RecursiveReadOnlyUnsupportedException(string message, Exception? cause = null) : GantryException(message, cause);

/// <summary>The registry refused, or served something that is not what it was asked for.</summary>
public sealed class RegistryRefusedException(string message, Exception? cause = null) : GantryException(message, cause);

/// <summary>Bytes that are not what their digest, size or format says: a layer, manifest, config or record.</summary>
public sealed class CorruptContentException(string message, Exception? cause = null) : GantryException(message, cause);

/// <summary>A program that we ran (OCI runtime, CNI plugin, monitor) failed.</summary>
public sealed class ToolFailedException(string message, int exitCode, string errorOutput, Exception? cause = null)
    : GantryException(message, cause)
{
    /// <summary>The program's exit status; 128 + n for a signal; -1 if it could not be started.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>The end of what it wrote to standard error, 4 KiB at most.</summary>
    public string ErrorOutput { get; } = errorOutput;
}
