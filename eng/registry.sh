#!/usr/bin/env bash
# usage: registry.sh start DIR PORT | stop DIR
# A registry (Debian's docker-registry) on 127.0.0.1:PORT whose files, pid and log are in DIR, filled with images made
# from this machine's Debian packages.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$2
case $1 in
start)
    port=$3
    mkdir -p "$dir"
    if [ ! -e "$dir/pid" ] || ! kill -0 "$(cat "$dir/pid")" 2>/dev/null; then
        cat > "$dir/config.yml" <<EOF
version: 0.1
log: { level: warn }
storage: { filesystem: { rootdirectory: $(realpath "$dir")/storage }, delete: { enabled: true } }
http: { addr: "127.0.0.1:$port" }
EOF
        setsid docker-registry serve "$dir/config.yml" > "$dir/log" 2>&1 < /dev/null &
        echo $! > "$dir/pid"
    fi
    for _ in $(seq 50); do
        curl -sf -o /dev/null "http://127.0.0.1:$port/v2/" && break
        sleep 0.1
    done
    curl -sf -o /dev/null "http://127.0.0.1:$port/v2/" || { echo "the registry did not start: see $dir/log" >&2; exit 1; }
    # Filled anew where the images are others than last time.
    images=$(sha256sum tests/Gantry.TestImages/*.cs | sha256sum | cut -c1-64)
    if [ "$(cat "$dir/filled" 2>/dev/null)" != "$images" ]; then
        dotnet run --project tests/Gantry.TestImages -c Release -- "127.0.0.1:$port" > "$dir/fill.log" 2>&1 || { cat "$dir/fill.log" >&2; exit 1; }
        echo "$images" > "$dir/filled"
    fi
    ;;
stop)
    [ -e "$dir/pid" ] || exit 0
    pid=$(cat "$dir/pid")
    # Only if the pid is still this registry's.
    if tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -qF "$dir/config.yml"; then kill "$pid"; fi
    rm -f "$dir/pid"
    ;;
*)
    sed -n 2,4p "$0" >&2
    exit 2
    ;;
esac
