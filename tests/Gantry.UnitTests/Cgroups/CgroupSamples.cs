namespace Gantry.UnitTests.Cgroups;

/// <summary>Files as kernels write them, of containers that ran: v1 of Linux 6.18, v2 of Linux 6.1 and newer.</summary>
internal static class CgroupSamples
{
    public const string V1MemoryStat = """
        cache 8192
        rss 245760
        rss_huge 0
        shmem 0
        mapped_file 0
        dirty 0
        writeback 0
        workingset_refault_anon 0
        workingset_refault_file 2
        swap 0
        swapcached 0
        pgpgin 190
        pgpgout 99
        pgfault 428
        pgmajfault 1
        inactive_anon 180224
        active_anon 4096
        inactive_file 0
        active_file 4096
        unevictable 0
        hierarchical_memory_limit 67108864
        hierarchical_memsw_limit 100663296
        total_cache 5242880
        total_rss 22294528
        total_rss_huge 0
        total_shmem 0
        total_mapped_file 1048576
        total_dirty 0
        total_writeback 0
        total_workingset_refault_anon 0
        total_workingset_refault_file 2
        total_swap 1048576
        total_swapcached 0
        total_pgpgin 1190
        total_pgpgout 199
        total_pgfault 5428
        total_pgmajfault 7
        total_inactive_anon 180224
        total_active_anon 4096
        total_inactive_file 3145728
        total_active_file 2097152
        total_unevictable 0

        """;

    public const string V2MemoryStat = """
        anon 22294528
        file 5242880
        kernel 1548288
        kernel_stack 49152
        pagetables 131072
        sec_pagetables 0
        percpu 1152
        sock 0
        vmalloc 0
        shmem 0
        zswap 0
        zswapped 0
        file_mapped 1048576
        file_dirty 0
        file_writeback 0
        swapcached 0
        anon_thp 2097152
        file_thp 0
        shmem_thp 0
        inactive_anon 22290432
        active_anon 4096
        inactive_file 3145728
        active_file 2097152
        unevictable 0
        slab_reclaimable 901120
        slab_unreclaimable 301960
        slab 1203080
        workingset_refault_anon 0
        workingset_refault_file 2
        workingset_activate_anon 0
        workingset_activate_file 0
        workingset_restore_anon 0
        workingset_restore_file 0
        workingset_nodereclaim 0
        pgdemote_kswapd 0
        pgscan 0
        pgsteal 0
        pgscan_kswapd 0
        pgfault 5428
        pgmajfault 7
        pgrefill 0
        pgactivate 0
        pgdeactivate 0
        pglazyfree 0
        thp_fault_alloc 1
        thp_collapse_alloc 0

        """;

    public const string V2CpuStat = """
        usage_usec 12345678
        user_usec 9000000
        system_usec 3345678
        core_sched.force_idle_usec 0
        nr_periods 120
        nr_throttled 30
        throttled_usec 4500000
        nr_bursts 0
        burst_usec 0

        """;

    public const string V2MemoryEvents = """
        low 0
        high 3
        max 17
        oom 2
        oom_kill 1
        oom_group_kill 0

        """;

    public const string Pressure = """
        some avg10=12.34 avg60=5.60 avg300=0.07 total=9730123
        full avg10=0.50 avg60=0.00 avg300=0.00 total=2046

        """;

    public const string V2IoStat = """
        254:0 rbytes=1646592 wbytes=4096 rios=34 wios=1 dbytes=0 dios=0
        7:3 
        8:16 rbytes=512 wbytes=0 rios=1 wios=0 dbytes=0 dios=0 cost.usage=8

        """;

    public const string V1IoServiceBytes = """
        254:0 Read 1646592
        254:0 Write 4096
        254:0 Sync 1650688
        254:0 Async 0
        254:0 Discard 0
        254:0 Total 1650688
        Total 1650688

        """;

    public const string V1IoServiced = """
        254:0 Read 34
        254:0 Write 1
        254:0 Total 35
        Total 35

        """;
}
