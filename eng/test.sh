#!/usr/bin/env bash
# Runs every test project and ends with one line: N passed, N failed, N skipped.
set -uo pipefail
cd "$(dirname "$0")/.."

passed=0 failed=0 skipped=0 broken=0
mkdir -p artifacts
run() { # project, command...
    local name=$1 log=artifacts/test-$1.log
    shift
    echo "== $name"
    "$@" 2>&1 | tee "$log"
    local rc=${PIPESTATUS[0]}
    count() { grep -E "^ +$1: [0-9]+" "$log" | tail -1 | grep -oE '[0-9]+' || echo 0; }
    local ok bad skip
    ok=$(count succeeded) bad=$(count failed) skip=$(count skipped)
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
    # A runner that crashed has printed no counts: that is a failure too.
    if [ "$rc" != 0 ] && [ "$bad" = 0 ]; then broken=1; echo "$name: the test runner ended with $rc"; fi
}

dotnet build Gantry.slnx --nologo -v q || exit 1
run unit dotnet test --project tests/Gantry.UnitTests --no-build --no-ansi --no-progress
if [ -d tests/Gantry.NodeTests ]; then
    if [ "$(id -u)" = 0 ]; then
        GANTRY_BIN=$PWD/artifacts/bin run node eng/in-node-namespace.sh dotnet test --project tests/Gantry.NodeTests --no-build --no-ansi --no-progress
    else
        echo "node tests need root, and are skipped: run as root"
        skipped=$((skipped + 1))
    fi
fi
# Once more at the end, where one looks first.
[ "$failed" = 0 ] || grep -hE -A 6 '^failed Gantry' artifacts/test-*.log | cut -c 1-400
[ $broken = 0 ] || failed=$((failed + 1))
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
