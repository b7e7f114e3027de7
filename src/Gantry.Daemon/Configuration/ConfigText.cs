namespace Gantry.Configuration;

/// <summary>The annotated default that <c>gantryd config default</c> prints; a test holds it equal to the record's defaults.</summary>
public static class ConfigText
{
    public const string Default = """
        # Gantry's configuration: /etc/gantry/config.toml, then /etc/gantry/conf.d/*.toml in the order of their names.
        # Every key is optional; these are the defaults. Unknown keys are refused.

        # Images, layers and records; survives a reboot. On ext4, xfs or btrfs.
        root = "/var/lib/gantry"
        # Sockets, mounts and pinned namespaces; a tmpfs, gone at a reboot.
        state = "/run/gantry"
        # Where the kubelet and the command line connect. Only root can: mode 0600, and 0700 for a directory that is made for it.
        socket = "/run/gantry/gantry.sock"
        # debug, info, warning or error; to standard error.
        log_level = "info"
        # The gantry-monitor program; empty for the one beside gantryd.
        monitor = ""
        # The init program of pods that share their PID namespace (Debian: package catatonit).
        pod_init = "/usr/bin/catatonit"

        [runtime]
        # The OCI runtime of pods without a RuntimeClass.
        default_handler = "crun"
        # A runtime, or a look at a mount's source, that takes longer is given up: what it was for fails, and can be tried again.
        timeout_seconds = 60
        # How many run at the same time; more wait for their turn.
        max_parallel = 64

        # OCI runtimes by handler name, which RuntimeClass asks for.
        [runtime.handlers]
        crun = "/usr/bin/crun"
        runc = "/usr/sbin/runc"

        [cni]
        # The network's configuration; the first valid file counts.
        conf_dir = "/etc/cni/net.d"
        # Where plugins are looked for, in this order.
        bin_dirs = ["/opt/cni/bin", "/usr/lib/cni"]
        # A plugin that takes longer is killed.
        timeout_seconds = 60
        # How many plugins run at the same time; more wait for their turn.
        max_parallel = 32
        # Write a bridge network where conf_dir holds no configuration at all.
        install_default = true
        # That network's addresses.
        default_subnet = "10.88.0.0/16"

        [registry]
        # Mirrors, in containerd's layout: HOST/hosts.toml and _default/hosts.toml. The first directory that has a file counts.
        certs_dirs = ["/etc/gantry/certs.d", "/etc/containerd/certs.d"]
        # Layers that are downloaded at the same time, of all pulls together.
        max_parallel_downloads = 6
        # A registry that sends nothing for so long is given up.
        no_progress_seconds = 60

        [local_pods]
        # The logs of pods that 'gantry run' makes, where collectors look for them.
        log_dir = "/var/log/pods"
        # Before a container is restarted for the second time; doubled each time, up to 5 minutes. The first time it is at once.
        restart_delay_seconds = 10

        """;
}
