namespace Gantry.Linux.Processes;

/// <summary>
/// How much of a processor a thread wants when others want it too (nice(2), which is a thread's on Linux). A new thread has
/// its maker's value, one of the pool too, and so has a program: what it is started with is therefore set for each.
/// </summary>
public static class ThreadNiceness
{
    private const int OfProcess = 0;
    private const int Step = 5;

    /// <summary>As the process was started.</summary>
    private static int Usual { get; } = LibC.GetPriority(OfProcess, 0);

    /// <summary>Lets others go first. Never given back: for threads that end with their work.</summary>
    public static void YieldToOthers() => Set(Usual + Step);

    /// <summary>Until disposed of, on the same thread, what this thread starts has the value that this process was started with.</summary>
    internal static Pause AsUsual() => new(LibC.GetPriority(OfProcess, 0));

    /// <summary>Refused or not, the work is the same.</summary>
    private static void Set(int value) => _ = LibC.SetPriority(OfProcess, 0, value);

    /// <summary>The time between.</summary>
    internal readonly ref struct Pause
    {
        private readonly int _before;

        public Pause(int before)
        {
            _before = before;
            if (before != Usual)
                Set(Usual);
        }

        public void Dispose()
        {
            if (_before != Usual)
                Set(_before);
        }
    }
}
