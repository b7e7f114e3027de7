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

        [streaming]
        # Where the addresses lead that Exec, Attach and PortForward answer. On loopback, and for the kubelet on this node.
        address = "127.0.0.1"
        # 0 for any port that is free.
        port = 0
        # TLS, from files in PEM that are read anew when they change; without them plain HTTP. With a client CA, clients
        # need a certificate that it has signed.
        tls_cert = ""
        tls_key = ""
        tls_client_ca = ""
        # A session over which nothing moves for so long is ended.
        idle_timeout_seconds = 14400
        # In which a client must have opened its streams.
        creation_timeout_seconds = 30

        [local_pods]
        # The logs of pods that 'gantry run' makes, where collectors look for them.
        log_dir = "/var/log/pods"

        """;
}
