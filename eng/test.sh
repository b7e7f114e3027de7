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

# Node tests have time-outs, and real parts on a busy machine may miss one: up to three that failed are run once more, each
# alone. What passes then is counted as passed and named, so that it is looked into; what fails twice has failed.
again=()
second_try() { # command...
    local line name spec
    mapfile -t lines < <(grep -oE '^failed Gantry\.NodeTests\..* \([0-9].*\)$' artifacts/test-node.log | sed -E 's/ \([^()]*\)$//' | sort -u)
    [ ${#lines[@]} -gt 0 ] && [ ${#lines[@]} -le 3 ] || return 0
    for line in "${lines[@]}"; do
        name=$(sed -E 's/^failed ([^( ]+).*/\1/' <<<"$line")
        spec=$(sed -nE 's/.*\(spec: "([^"]+)".*/\1/p' <<<"$line")
        echo "== once more: ${line#failed }"
        if GANTRY_SPECS=$spec "$@" --filter-method "$name" 2>&1 | tee artifacts/test-again.log; then
            again+=("${line#failed }") failed=$((failed - 1)) passed=$((passed + 1))
        fi
    done
}

dotnet build Gantry.slnx --nologo -v q || exit 1
run unit dotnet test --project tests/Gantry.UnitTests --no-build --no-ansi --no-progress
if [ -d tests/Gantry.NodeTests ]; then
    if [ "$(id -u)" = 0 ]; then
        export GANTRY_BIN=$PWD/artifacts/bin
        node=(eng/in-node-namespace.sh dotnet test --project tests/Gantry.NodeTests --no-build --no-ansi --no-progress)
        run node "${node[@]}"
        second_try "${node[@]}"
    else
        echo "node tests need root, and are skipped: run as root"
        skipped=$((skipped + 1))
    fi
fi
# What failed is told again at the end, where one looks first.
{ [ "$failed" = 0 ] && [ ${#again[@]} = 0 ]; } || grep -hE -A 6 '^failed Gantry' artifacts/test-{unit,node}.log | cut -c 1-400
for name in "${again[@]}"; do echo "passed at its second try: $name"; done
[ $broken = 0 ] || failed=$((failed + 1))
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
