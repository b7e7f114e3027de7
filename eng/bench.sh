#!/usr/bin/env bash
# Gantry beside Debian's containerd on this machine, with the same crun, CNI plugins, images and network namespace.
# usage: [PEERS=gantry] bench.sh [further arguments of bench/Gantry.NodeBench]   needs root; prints, and fails on no time.
set -euo pipefail
cd "$(dirname "$0")/.."

eng/install-deps.sh tests
dir=$(mktemp -d /var/tmp/gantry-bench.XXXXXX)
name=$(basename "$dir" | tr . -)
pids=()
finish() {
    # What a bench that was cut short has left running.
    for socket in "$dir"/{gantry,containerd}.sock; do
        [ ! -S "$socket" ] || for verb in "stop --time 0" "rm --force"; do
            # shellcheck disable=SC2086 # a verb and its options
            artifacts/bin/gantry --endpoint "unix://$socket" pods --all --quiet 2>/dev/null |
                xargs -r -n 50 artifacts/bin/gantry --endpoint "unix://$socket" --timeout 10m $verb > /dev/null 2>&1 || true
        done
    done
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    ip netns delete "$name" 2>/dev/null || true
    umount -l "$dir/run" 2>/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT
ip netns add "$name"
# As /run of a node: in memory.
mkdir "$dir/run"
mount -t tmpfs -o mode=711 run "$dir/run"
inside="nsenter --net=/run/netns/$name --"
$inside ip link set lo up
$inside sysctl -qw net.ipv4.ip_forward=1

$inside eng/registry.sh start "$dir/registry" 5000
pids+=("$(cat "$dir/registry/pid")")
mkdir -p "$dir"/{certs.d/_default,cni-gantry,cni-containerd}
printf '[host."http://127.0.0.1:5000"]\ncapabilities = ["pull", "resolve"]\n' > "$dir/certs.d/_default/hosts.toml"
number=40
for peer in gantry containerd; do
    number=$((number + 1))
    cat > "$dir/cni-$peer/10-bench.conflist" <<EOF
{ "cniVersion": "1.0.0", "name": "$peer", "plugins": [
  { "type": "bridge", "bridge": "b-$peer", "isGateway": true, "ipMasq": true, "hairpinMode": true,
    "ipam": { "type": "host-local", "dataDir": "$dir/ipam", "ranges": [[{ "subnet": "10.$number.0.0/16" }]], "routes": [{ "dst": "0.0.0.0/0" }] } },
  { "type": "portmap", "capabilities": { "portMappings": true } } ] }
EOF
done
cat > "$dir/gantry.toml" <<EOF
root = "$dir/gantry"
state = "$dir/run/gantry"
socket = "$dir/gantry.sock"
[cni]
conf_dir = "$dir/cni-gantry"
[registry]
certs_dirs = ["$dir/certs.d"]
EOF
cat > "$dir/containerd.toml" <<EOF
version = 2
root = "$dir/containerd"
state = "$dir/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs"]
[grpc]
address = "$dir/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "docker.io/test/pause:latest"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "crun"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun.options]
BinaryName = "/usr/bin/crun"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "$dir/cni-containerd"
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "$dir/certs.d"
EOF
$inside eng/in-node-namespace.sh artifacts/bin/gantryd --config "$dir/gantry.toml" > "$dir/gantryd.log" 2>&1 < /dev/null &
gantryd=$!
$inside eng/in-node-namespace.sh containerd --config "$dir/containerd.toml" > "$dir/containerd.log" 2>&1 < /dev/null &
containerd=$!
pids+=("$gantryd" "$containerd")
for socket in gantry containerd; do
    for _ in $(seq 100); do [ -S "$dir/$socket.sock" ] && break; sleep 0.1; done
done
dotnet build bench/Gantry.NodeBench -c Release --nologo -v q
sed -E "s#$dir/(run/)?gantry#$dir/\\1start#" "$dir/gantry.toml" > "$dir/start.toml"
declare -A servers=([gantry]="gantry=$dir/gantry.sock,$gantryd" [containerd]="containerd=$dir/containerd.sock,$containerd")
peers=()
for peer in ${PEERS:-gantry containerd}; do peers+=("${servers[$peer]}"); done
dotnet bench/Gantry.NodeBench/bin/Release/net10.0/Gantry.NodeBench.dll "$@" --start "artifacts/bin/gantryd --config $dir/start.toml,$dir/start.sock" "${peers[@]}"
