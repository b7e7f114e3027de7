using System.Collections.Concurrent;
using Gantry.Identity;
using Gantry.Linux.Descriptors;
using Gantry.Linux.Files;
using Gantry.Persistence;
using Microsoft.Extensions.Logging;

namespace Gantry.Statistics;

/// <summary>What a container's writable layer takes.</summary>
/// <param name="Bytes">Space on the disk.</param>
/// <param name="Inodes">Files and directories, whiteouts too.</param>
/// <param name="At">Nanoseconds since the epoch, when it was measured.</param>
public sealed record LayerUsage(long Bytes, long Inodes, long At);

/// <summary>
/// Measures containers' writable layers by walking them: only for those who ask, not more often than every ten seconds, by
/// one thread that rests most of the time and ends when nothing is left to do. Answers come from the last walk.
/// </summary>
public sealed class WritableLayers(NodePaths paths, TimeProvider time, ILogger log)
{
    /// <summary>A fresh container's layer is measured at once, so that the first answer has it.</summary>
    private const long QuickEntries = 64;

    /// <summary>A layer that is dear to measure is measured rarely: for one part in so many of the time at most, three quarters of it rest.</summary>
    private const int CostFactor = 10;

    private const int RestMilliseconds = 12;
    private static readonly TimeSpan _fresh = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _workBeforeRest = TimeSpan.FromMilliseconds(4);
    private readonly ConcurrentDictionary<ContainerId, Layer> _layers = new();
    private readonly Lock _lock = new();
    private readonly Queue<Layer> _asked = [];
    private bool _isWorking;

    public int Count => _layers.Count;

    /// <summary>The usage by the last walk; null before the first one of a large layer.</summary>
    public LayerUsage? Usage(ContainerId id)
    {
        var layer = _layers.GetOrAdd(id, static (added, self) => self.Begin(added), this);
        if (layer.Usage is null || time.GetElapsedTime(layer.MeasuredTick) > layer.FreshFor)
            Ask(layer);
        return layer.Usage;
    }

    /// <summary>Forgets the layers of containers that are gone.</summary>
    public void Keep(Func<ContainerId, bool> isThere)
    {
        foreach (var id in _layers.Keys)
        {
            if (!isThere(id))
                _layers.TryRemove(id, out _);
        }
    }

    private Layer Begin(ContainerId id)
    {
        var layer = new Layer(id) { FreshFor = _fresh };
        Measure(layer, QuickEntries, null);
        return layer;
    }

    private void Ask(Layer layer)
    {
        lock (_lock)
        {
            if (layer.IsAsked)
                return;
            layer.IsAsked = true;
            _asked.Enqueue(layer);
            if (_isWorking)
                return;
            _isWorking = true;
        }
        new Thread(Work, 256 << 10) { IsBackground = true, Name = "writable layers" }.Start();
    }

    private void Work()
    {
        while (true)
        {
            Layer? layer;
            lock (_lock)
            {
                if (!_asked.TryDequeue(out layer))
                {
                    _isWorking = false;
                    return;
                }
                layer.IsAsked = false;
            }
            var worked = time.GetTimestamp();
            Measure(layer, long.MaxValue, _ =>
            {
                if (time.GetElapsedTime(worked) < _workBeforeRest)
                    return;
                new Poller().Wait(RestMilliseconds);
                worked = time.GetTimestamp();
            });
        }
    }

    private void Measure(Layer layer, long mostEntries, Action<long>? rest)
    {
        var began = time.GetTimestamp();
        try
        {
            if (TreeMeasure.TryMeasure(paths.ContainerUpper(layer.Id), mostEntries, rest) is { } usage)
                layer.Usage = new LayerUsage(usage.Bytes, usage.Inodes, time.Nanoseconds());
        }
        catch (Exception e)
        {
            // The last usage stays; the thread that this runs on has nobody to throw to.
            log.LayerNotMeasured(layer.Id, e);
        }
        layer.MeasuredTick = time.GetTimestamp();
        var dear = time.GetElapsedTime(began) * CostFactor;
        layer.FreshFor = dear > _fresh ? dear : _fresh;
    }

    private sealed class Layer(ContainerId id)
    {
        private volatile LayerUsage? _usage;
        private long _measuredTick;
        private long _freshForTicks;

        public ContainerId Id { get; } = id;

        public bool IsAsked { get; set; }

        public LayerUsage? Usage
        {
            get => _usage;
            set => _usage = value;
        }

        public long MeasuredTick
        {
            get => Volatile.Read(ref _measuredTick);
            set => Volatile.Write(ref _measuredTick, value);
        }

        public TimeSpan FreshFor
        {
            get => new(Volatile.Read(ref _freshForTicks));
            set => Volatile.Write(ref _freshForTicks, value.Ticks);
        }
    }
}
