using Xunit;

namespace Gantry.UnitTests;

/// <summary>For tests that count what the whole process has: no others run beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public static class AloneCollection
{
    public const string Name = "alone";
}
