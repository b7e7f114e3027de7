#!/usr/bin/env bash
# Whitespace and style as .editorconfig says; the build enforces the rest.
set -euo pipefail
cd "$(dirname "$0")/.."
dotnet format whitespace Gantry.slnx --verify-no-changes --no-restore
