#!/usr/bin/env bash
# Runs a command in a mount namespace of its own, in which an OCI runtime finds cgroups that it accepts: crun refuses a
# hybrid hierarchy whose v2 side holds a controller, so here, and here alone, /sys/fs/cgroup has only the v1 controllers.
# (Unmounting the v2 side alone would leave its empty directory, in which crun then makes plain ones.)
set -euo pipefail
exec unshare --mount --propagation private bash -c '
    if mountpoint -q /sys/fs/cgroup/unified; then
        mount -t tmpfs -o mode=755 cgroup /mnt
        for controller in /sys/fs/cgroup/*; do
            name=${controller##*/}
            if [ -L "$controller" ]; then cp -P "$controller" /mnt/; continue; fi
            [ "$(stat -fc %T "$controller")" = cgroupfs ] || continue
            mkdir "/mnt/$name" && mount --bind "$controller" "/mnt/$name"
        done
        umount -R /sys/fs/cgroup
        mount --rbind /mnt /sys/fs/cgroup
        umount -R /mnt
    fi
    # As systemd makes them: what is mounted for a container must not come back to the node by its peers.
    mount --make-rshared /
    exec "$@"' _ "$@"
