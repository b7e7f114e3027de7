using System.Globalization;

namespace Gantry.NodeTests.Harness;

/// <summary>How often tests of random moments try: few in a usual run, GANTRY_TEST_ROUNDS times as many where somebody asks for it.</summary>
internal static class Rounds
{
    private static readonly double _factor =
        double.TryParse(Environment.GetEnvironmentVariable("GANTRY_TEST_ROUNDS"), NumberStyles.Float, CultureInfo.InvariantCulture, out var factor) && factor > 0 ? factor : 1;

    public static int Scaled(int usual, int most = int.MaxValue) => (int)Math.Clamp(usual * _factor, 1, most);
}
