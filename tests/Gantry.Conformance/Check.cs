using System.Runtime.CompilerServices;
using Grpc.Core;

namespace Gantry.Conformance;

/// <summary>What specs assert with; each failure tells the expression that was wrong.</summary>
public static class Check
{
    public static void True(bool condition, string? message = null, [CallerArgumentExpression(nameof(condition))] string expression = "")
    {
        if (!condition)
            throw new SpecFailedException(message is null ? $"not so: {expression}" : $"{message} (not so: {expression})");
    }

    public static void Equal<T>(T expected, T actual, [CallerArgumentExpression(nameof(actual))] string expression = "")
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
            throw new SpecFailedException($"{expression} is '{actual}', where '{expected}' is expected");
    }

    public static void Contains(string part, string text, [CallerArgumentExpression(nameof(text))] string expression = "")
    {
        if (!text.Contains(part, StringComparison.Ordinal))
            throw new SpecFailedException($"{expression} lacks '{part}'; it is '{text}'");
    }

    /// <summary>The call fails with that status, and its message holds each of <paramref name="words"/>.</summary>
    public static async Task<Status> FailsAsync(StatusCode expected, Func<Task> call, params string[] words)
    {
        try
        {
            await call();
        }
        catch (RpcException e)
        {
            if (e.StatusCode != expected)
                throw new SpecFailedException($"the call failed with {e.StatusCode}, where {expected} is expected: {e.Status.Detail}", e);
            foreach (var word in words)
                Contains(word, e.Status.Detail, "the message");
            return e.Status;
        }
        throw new SpecFailedException($"the call succeeded, where {expected} is expected");
    }

    /// <summary>Asks again until it is so.</summary>
    public static async Task EventuallyAsync(Func<Task<bool>> condition, string what, TimeSpan? limit = null)
    {
        var end = DateTimeOffset.UtcNow + (limit ?? TimeSpan.FromSeconds(20));
        while (!await condition())
        {
            if (DateTimeOffset.UtcNow > end)
                throw new SpecFailedException($"not so within {(limit ?? TimeSpan.FromSeconds(20)).TotalSeconds:0} s: {what}");
            await Task.Delay(20);
        }
    }
}
