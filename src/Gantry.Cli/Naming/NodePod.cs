namespace Gantry.Cli.Naming;

/// <summary>A pod of the node, as gantry.v1 or the CRI tells of it.</summary>
internal sealed record NodePod
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Namespace { get; init; }
    public required string Uid { get; init; }

    /// <summary>Kubernetes' phase from gantry.v1; from a plain CRI only "Ready" or "NotReady", which is all it knows.</summary>
    public required string Phase { get; init; }
    public required long CreatedAt { get; init; }
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>Made by `gantry run`, and therefore no business of a kubelet.</summary>
    public bool IsLocal { get; init; }
    public IReadOnlyList<NodeContainer> Containers { get; init; } = [];

    public string FullName => $"{Namespace}/{Name}";
}

/// <summary>A container of a pod. What a listing of the plain CRI does not tell is empty or null.</summary>
internal sealed record NodeContainer
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Image { get; init; }
    public required string State { get; init; }
    public required long CreatedAt { get; init; }
    public int? ExitCode { get; init; }
    public string Reason { get; init; } = "";
    public string Message { get; init; } = "";
    public int Restarts { get; init; }
    public long FinishedAt { get; init; }
    public string LogPath { get; init; } = "";

    public bool IsRunning => State == "Running";
}
