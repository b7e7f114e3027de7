namespace Gantry.Linux.Processes;

/// <summary>How much of a processor the calling thread wants when others want it too (nice(2), which is a thread's on Linux).</summary>
public static class ThreadNiceness
{
    /// <summary>Lets others go first. Never given back: for threads that end with their work.</summary>
    public static void YieldToOthers()
    {
        const int OfProcess = 0;
        // Refused or not, the work is the same.
        _ = LibC.SetPriority(OfProcess, 0, 5);
    }
}
