#!/usr/bin/env bash
# Whitespace and style as .editorconfig says; the build enforces the rest.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! dotnet format whitespace Gantry.slnx --verify-no-changes --no-restore; then
    echo "formatting differs; put it right with: dotnet format whitespace Gantry.slnx" >&2
    exit 1
fi
