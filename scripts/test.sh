#!/usr/bin/env bash
# Runs the Rust tests by nextest where it is installed, else by cargo itself.
set -euo pipefail
if cargo nextest --version >/dev/null 2>&1; then
    exec cargo nextest run "$@"
fi
exec cargo test "$@"
