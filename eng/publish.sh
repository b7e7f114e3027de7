#!/usr/bin/env bash
# Publishes gantryd, gantry-monitor and gantry ahead of time into artifacts/bin; any warning fails. Does nothing when the
# sources are those of the last time. The analysers have their say in the build; the warnings here are the compiler's of ahead of time.
set -euo pipefail
cd "$(dirname "$0")/.."

out=artifacts/bin
rid=linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
stamp=$(find src tests/Gantry.Conformance Directory.Build.props Directory.Packages.props global.json -type f -not -path '*/bin/*' -not -path '*/obj/*' -print0 |
    sort -z | xargs -0 sha256sum | sha256sum | cut -c1-64)
[ "$(cat "$out/.stamp" 2>/dev/null)" != "$stamp" ] || exit 0

mkdir -p "$out"
for project in Monitor Daemon Cli; do
    log=artifacts/publish-$project.log
    echo "publishing Gantry.$project"
    if ! dotnet publish "src/Gantry.$project" -c Release -r "$rid" -o "artifacts/publish/$project" --nologo -v q -p:RunAnalyzers=false > "$log" 2>&1 ||
        grep -qE 'warning (IL|CS|CA|IDE|NETSDK)' "$log"; then
        grep -E 'error|warning' "$log" | sort -u | head -30
        echo "publish of Gantry.$project failed or warned: see $log" >&2
        exit 1
    fi
done
install -m 0755 artifacts/publish/Monitor/gantry-monitor artifacts/publish/Daemon/gantryd artifacts/publish/Cli/gantry "$out/"
echo "$stamp" > "$out/.stamp"
ls -l "$out" | awk 'NR > 1 { printf "%-16s %6.1f MB\n", $9, $5 / 1e6 }'
