using System.Reflection;
using Gantry.Cri.Api;
using Gantry.Cri.Metrics;
using Xunit;

namespace Gantry.UnitTests.Cri;

public sealed class MetricCatalogTests
{
    [Fact]
    public void All_EveryFamilyOfTheClass_IsDescribed()
    {
        var declared = typeof(MetricCatalog).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => field.GetValue(null)).OfType<MetricFamily>();

        Assert.Equal(declared, MetricCatalog.All);
        Assert.Equal(MetricCatalog.All.Count, MetricCatalog.All.Select(family => family.Name).Distinct().Count());
    }

    [Fact]
    public void All_Names_AreCadvisorsAndFollowPrometheus()
    {
        Assert.All(MetricCatalog.All, family =>
        {
            Assert.StartsWith("container_", family.Name, StringComparison.Ordinal);
            // Two of cAdvisor's old counters have no such ending.
            if (family.Kind is MetricType.Counter)
                Assert.True(family.Name.EndsWith("_total", StringComparison.Ordinal) || family.Name is "container_memory_failcnt", family.Name);
            else
                Assert.False(family.Name.EndsWith("_total", StringComparison.Ordinal) && !family.Name.Contains("inodes", StringComparison.Ordinal), family.Name);
        });
    }

    [Fact]
    public void Add_EachFamily_AsManyLabelsAsItsDescriptor()
    {
        foreach (var family in MetricCatalog.All)
        {
            var rows = new MetricRows([.. MetricFamily.SharedLabels.Select(_ => "value")]);
            rows.Add(family, 1, [.. family.OwnLabels.Select(_ => "own")]);

            Assert.Equal(family.Describe().LabelKeys.Count, rows.Samples[0].LabelValues.Count);
            Assert.Equal(0, rows.Samples[0].Timestamp);
        }
    }

    [Fact]
    public void Add_AnotherNumberOfLabels_IsRefused()
    {
        var rows = new MetricRows(["", "", "", "", "", ""]);

        Assert.Throws<ArgumentException>(() => rows.Add(MetricCatalog.CpuUsage, 1));
        Assert.Throws<ArgumentException>(() => rows.Add(MetricCatalog.CpuUser, 1, "more"));
    }
}
