#!/usr/bin/env bash
# Pulls the images of the pull bench by gantryd and by containerd in turn, each into an empty store, from a registry on the
# loopback of a network namespace made for this. Prints medians of time, CPU seconds and peak memory of the daemons.
#   bench/pull.sh [ROUNDS]        GANTRY_BIN (artifacts/bin), CONTAINERD (a program; none: gantryd alone), IMAGES ("big forty single")
# Needs root. Everything is below BENCH_DIR (/var/tmp/gantry-bench), which keeps the registry's images for the next run.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-5}
bin=${GANTRY_BIN:-artifacts/bin}
dir=${BENCH_DIR:-/var/tmp/gantry-bench}
images=${IMAGES:-big forty single}
containerd=${CONTAINERD-$(command -v containerd || true)}
netns=gantry-bench-$$
mkdir -p "$dir"
inside() { nsenter --net="/run/netns/$netns" -- "$@"; }
pids=()
cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    ip netns delete "$netns" 2>/dev/null || true
    rm -rf "$dir/gantry" "$dir/containerd"
}
trap cleanup EXIT
ip netns add "$netns"
ip -n "$netns" link set lo up

cat > "$dir/registry.yml" <<EOT
version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: $dir/registry } }
http: { addr: "127.0.0.1:5000" }
EOT
nsenter --net="/run/netns/$netns" -- docker-registry serve "$dir/registry.yml" > "$dir/registry.log" 2>&1 &
pids+=($!)
for _ in $(seq 100); do inside curl -sf -o /dev/null http://127.0.0.1:5000/v2/ && break; sleep 0.1; done
if [ ! -e "$dir/registry.filled" ]; then
    inside dotnet run --project tests/Gantry.TestImages -c Release -- 127.0.0.1:5000 --bench
    touch "$dir/registry.filled"
fi

start_gantry() {
    rm -rf "$dir/gantry"; mkdir -p "$dir/gantry/certs.d/_default" "$dir/gantry/cni"
    printf '[host."http://127.0.0.1:5000"]\n' > "$dir/gantry/certs.d/_default/hosts.toml"
    printf 'root = "%s"\nstate = "%s"\nsocket = "%s"\n[cni]\nconf_dir = "%s"\n[registry]\ncerts_dirs = ["%s"]\n' \
        "$dir/gantry/root" "$dir/gantry/state" "$dir/gantry/state/gantry.sock" "$dir/gantry/cni" "$dir/gantry/certs.d" > "$dir/gantry/config.toml"
    nsenter --net="/run/netns/$netns" -- "$bin/gantryd" --config "$dir/gantry/config.toml" > "$dir/gantry/log" 2>&1 &
    daemon=$! endpoint=unix://$dir/gantry/state/gantry.sock
}
start_containerd() {
    rm -rf "$dir/containerd"; mkdir -p "$dir/containerd/certs.d/_default"
    printf '[host."http://127.0.0.1:5000"]\n' > "$dir/containerd/certs.d/_default/hosts.toml"
    cat > "$dir/containerd/config.toml" <<EOT
version = 2
root = "$dir/containerd/root"
state = "$dir/containerd/state"
[grpc]
  address = "$dir/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "$dir/containerd/certs.d"
EOT
    nsenter --net="/run/netns/$netns" -- "$containerd" --config "$dir/containerd/config.toml" > "$dir/containerd/log" 2>&1 &
    daemon=$! endpoint=unix://$dir/containerd/containerd.sock
}
cpu() { awk '{ print ($14 + $15) / 100 }' "/proc/$1/stat"; }
once() { # daemon image -> "seconds cpu peakMiB"
    "start_$1"
    pids+=("$daemon")
    for _ in $(seq 200); do "$bin/gantry" --endpoint "$endpoint" images > /dev/null 2>&1 && break; sleep 0.05; done
    sync
    echo 5 > "/proc/$daemon/clear_refs"
    local cpu0 t0 t1
    cpu0=$(cpu "$daemon") t0=$(date +%s.%N)
    "$bin/gantry" --endpoint "$endpoint" pull -q "bench.test/bench/$2:1" > /dev/null
    t1=$(date +%s.%N)
    awk -v a="$t0" -v b="$t1" -v c="$cpu0" -v d="$(cpu "$daemon")" -v m="$(awk '/VmHWM/ { print $2 }' "/proc/$daemon/status")" \
        'BEGIN { printf "%.2f %.2f %.0f\n", b - a, d - c, m / 1024 }'
    kill "$daemon"; wait "$daemon" 2>/dev/null || true
}
median() { sort -n | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
daemons=gantry
[ -z "$containerd" ] || daemons="gantry containerd"
printf '%-10s %-8s %8s %8s %10s\n' daemon image seconds cpu-s peak-MiB
for image in $images; do
    for d in $daemons; do : > "$dir/$d.$image"; done
    for _ in $(seq "$rounds"); do
        for d in $daemons; do once "$d" "$image" >> "$dir/$d.$image"; done
    done
    for d in $daemons; do
        printf '%-10s %-8s %8s %8s %10s\n' "$d" "$image" "$(cut -d' ' -f1 "$dir/$d.$image" | median)" "$(cut -d' ' -f2 "$dir/$d.$image" | median)" "$(cut -d' ' -f3 "$dir/$d.$image" | median)"
    done
done
