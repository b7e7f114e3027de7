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
        # Where the kubelet and the command line connect. Its directory gets mode 0700.
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
        # Where vendors describe their devices (Container Device Interface); a later directory hides an earlier one.
        cdi_dirs = ["/etc/cdi", "/var/run/cdi"]

        # OCI runtimes by handler name, which RuntimeClass asks for: a path, or a table [runtime.handlers.NAME] of
        #   path = "/usr/bin/youki"                   the program, with the command line of runc
        #   type = "oci"                              the one type that there is
        #   arguments = ["--debug"]                   more arguments before the verb
        #   environment = ["NAME=value"]              for the program's own process
        #   allowed_annotations = ["run.oci.*"]       annotations that it may see; no others reach it
        #   privileged_without_host_devices = true    privileged containers get none of the node's devices
        [runtime.handlers]
        crun = "/usr/bin/crun"
        runc = "/usr/sbin/runc"

        [cni]
        # The network's configuration; the first valid file counts.
        conf_dir = "/etc/cni/net.d"
        # A file from which 10-gantry.conflist in conf_dir is made when the kubelet tells the node's pod CIDRs, if conf_dir holds
        # no other: containerd's conf_template, with .PodCIDR, .PodCIDRRanges and .Routes. Then no default is installed.
        conf_template = ""
        # Where plugins are looked for, in this order.
        bin_dirs = ["/opt/cni/bin", "/usr/lib/cni"]
        # A plugin that takes longer is killed.
        timeout_seconds = 60
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

        """;
}
