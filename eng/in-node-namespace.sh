#!/usr/bin/env bash
# Runs a command in a mount namespace of its own, in which an OCI runtime finds cgroups that it accepts: crun refuses a
# hybrid hierarchy whose v2 side holds a controller, so that side is unmounted here, and here alone.
set -euo pipefail
exec unshare --mount --propagation private bash -c '
    if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi
    exec "$@"' _ "$@"
