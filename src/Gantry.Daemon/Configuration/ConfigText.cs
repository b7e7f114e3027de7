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
        # Labels for containers and their files, where the kernel has SELinux and its policy knows containers.
        selinux = true

        [runtime]
        # The OCI runtime of pods without a RuntimeClass.
        default_handler = "crun"
        # A runtime, or a look at a mount's source, that takes longer is given up: what it was for fails, and can be tried again.
        timeout_seconds = 60
        # How many run at the same time; more wait for their turn.
        max_parallel = 64
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
        # How many plugins run at the same time; more wait for their turn.
        max_parallel = 32
        # Write a bridge network where conf_dir holds no configuration at all.
        install_default = true
        # That network's addresses.
        default_subnet = "10.88.0.0/16"

        [registry]
        # Mirrors, in containerd's layout: HOST/hosts.toml and _default/hosts.toml. The first directory that has a file counts.
        certs_dirs = ["/etc/gantry/certs.d", "/etc/containerd/certs.d"]
        # Mirrors in Podman's and CRI-O's format, with its drop-ins in FILE.d; asked before _default. Empty for none.
        registries_conf = "/etc/containers/registries.conf"
        # Credentials in Docker's format (config.json), for pulls that bring none and for mirrors.
        auth_files = ["/etc/gantry/auth.json"]
        # Where docker-credential-NAME programs are, which auth files and registry.auth may name.
        credential_helper_dirs = ["/usr/local/bin", "/usr/bin"]
        # Layers that are downloaded at the same time: of all pulls together, and of one.
        max_parallel_downloads = 6
        max_parallel_downloads_of_pull = 6
        # A registry that sends nothing for so long is given up.
        no_progress_seconds = 60
        # For how long a registry that answers 429 or 503 is asked again.
        retry_seconds = 120
        # The most that is downloaded, and unpacked to disk, each second; 0 for no limit.
        download_mib_per_second = 0
        unpack_mib_per_second = 0
        # What one image may unpack to, in size and in files, and how many layers it may have.
        max_image_mib = 131072
        max_image_files = 4000000
        max_layers = 256
        # Serve this node's images to others, as a registry that can only be read: an address and port, as 127.0.0.1:5001.
        # Empty for no. Beyond the loopback a certificate and key are needed. Images pulled with credentials only if asked.
        share_listen = ""
        share_certificate = ""
        share_key = ""
        share_private = false
        # Who must have signed which images, in containers' format; without that file nobody has to.
        policy_file = "/etc/gantry/policy.json"
        # Archives of images (OCI or Docker, also compressed) that are imported and pinned at start. Empty for none.
        import_dir = "/var/lib/gantry/import"
        # Every so many hours (also 0.5) all images are verified, so fast at most, and damaged layers fetched again; 0 for never.
        scrub_hours = 0
        scrub_mib_per_second = 20

        # Credentials by registry: username and password or password_file, or identity_token, or a helper. None by default.
        #   [registry.auth."registry.example:5000"]
        #   username = "puller"
        #   password_file = "/etc/gantry/puller.password"
        # A token server on another host that may be given a registry's identity token. None by default.
        #   [registry.token_hosts]
        #   "registry.example" = "auth.example"
        # Limits by server, beside the limit of all. None by default.
        #   [registry.download_mib_per_second_by_host]
        #   "registry.example" = 10

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
        # Before a container is restarted for the second time; doubled each time, up to 5 minutes. The first time it is at once.
        restart_delay_seconds = 10

        """;
}
