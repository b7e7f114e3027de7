#!/usr/bin/env bash
# Ends what `make run` started, and removes all of it: pods, daemon, registry, bridge, files.
set -uo pipefail
cd "$(dirname "$0")/.."

run=$PWD/artifacts/run
[ -d "$run" ] || exit 0
gantry="artifacts/bin/gantry --endpoint unix://$run/state/gantry.sock"
if $gantry info > /dev/null 2>&1; then
    for pod in $($gantry pods --quiet); do
        $gantry rm -f "$pod" > /dev/null
    done
fi
if [ -e "$run/gantryd.pid" ]; then
    pid=$(cat "$run/gantryd.pid")
    if tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -qF "$run/config.toml"; then
        kill "$pid"
        for _ in $(seq 50); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
    fi
fi
eng/registry.sh stop "$run/registry"
ip link delete gantry0 2>/dev/null
rm -rf /var/lib/cni/networks/gantry
for cgroup in /sys/fs/cgroup/gantry /sys/fs/cgroup/*/gantry; do [ -d "$cgroup" ] && rmdir "$cgroup" 2>/dev/null; done
rm -rf "$run"
echo "nothing of the run is left"
