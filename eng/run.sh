#!/usr/bin/env bash
# Runs examples/nginx-pod.yaml on Gantry, on this machine alone, and shows what came of it. Everything is below
# artifacts/run; `make clean-run` ends and removes it.
set -euo pipefail
cd "$(dirname "$0")/.."

run=$PWD/artifacts/run
gantry="$PWD/artifacts/bin/gantry --endpoint unix://$run/state/gantry.sock"
[ "$(id -u)" = 0 ] || { echo "a container runtime runs as root: sudo make run" >&2; exit 1; }
mkdir -p "$run/certs.d"

if ! $gantry version > /dev/null 2>&1; then
    # Is the image's own registry in reach? If not, the same names are served from here.
    if curl -s -o /dev/null --connect-timeout 3 --max-time 5 https://registry-1.docker.io/v2/; then
        echo "docker.io is in reach: images come from there"
        rm -rf "$run/certs.d/docker.io"
    else
        echo "docker.io can't be reached from here: nginx:1.19.10 is built from Debian's nginx package, and served"
        echo "under that name by a registry on this machine (127.0.0.1:5099) through a registry mirror"
        eng/registry.sh start "$run/registry" 5099
        mkdir -p "$run/certs.d/docker.io"
        printf '[host."http://127.0.0.1:5099"]\ncapabilities = ["pull", "resolve"]\n' > "$run/certs.d/docker.io/hosts.toml"
    fi
    cat > "$run/config.toml" <<EOF
root = "$run/root"
state = "$run/state"
socket = "$run/state/gantry.sock"
[cni]
conf_dir = "$run/cni"
[registry]
certs_dirs = ["$run/certs.d"]
[local_pods]
log_dir = "$run/pods"
EOF
    echo 1 > /proc/sys/net/ipv4/ip_forward
    # crun refuses a hybrid cgroup hierarchy: there, the daemon gets a mount namespace without its v2 side.
    setsid eng/in-node-namespace.sh artifacts/bin/gantryd --config "$run/config.toml" > "$run/gantryd.log" 2>&1 < /dev/null &
    echo $! > "$run/gantryd.pid"
    for _ in $(seq 100); do
        $gantry info > /dev/null 2>&1 && break
        sleep 0.1
    done
    $gantry info > /dev/null || { echo "gantryd did not start:" >&2; cat "$run/gantryd.log" >&2; exit 1; }
    echo "gantryd runs (pid $(cat "$run/gantryd.pid"), log $run/gantryd.log)"
fi

$gantry run --replace examples/nginx-pod.yaml
address=$($gantry pods -o json | grep -oE '"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+"' | head -1 | tr -d '"')
for _ in $(seq 50); do
    page=$(curl -s --max-time 2 "http://$address/" || true)
    [ -n "$page" ] && break
    sleep 0.1
done
[ -n "$page" ] || { echo "nginx did not answer on http://$address/" >&2; exit 1; }

echo
echo "http://$address/ answers: $(grep -oE '<title>[^<]*' <<< "$page" | cut -c8-)"
echo
$gantry pods
echo
$gantry ps
echo
echo "its log:"
$gantry logs nginx-pod
cat <<EOF

Look further with
  export GANTRY_ENDPOINT=unix://$run/state/gantry.sock PATH=$PWD/artifacts/bin:\$PATH
  gantry ps; gantry logs -f nginx-pod; gantry exec nginx-pod -- ls /etc/nginx; gantry inspect nginx-pod
Stop with
  gantry stop nginx-pod; gantry rm nginx-pod        the pod
  make clean-run                                    everything
EOF
