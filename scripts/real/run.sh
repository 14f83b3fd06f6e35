#!/usr/bin/env bash
# Runs Transom (TRANSOM_BIN, by default the `real` profile's build) between real clients and
# a real model. Arguments go to pytest.
. "$(dirname "$0")/../lib.sh"
root="$(cd "$(dirname "$0")/../.." && pwd)"

export TRANSOM_BIN="${TRANSOM_BIN:-$root/target/real/transom}"
[ -x "$TRANSOM_BIN" ] ||
    die "no program at $TRANSOM_BIN: run 'cargo build --profile real' or set TRANSOM_BIN"
TRANSOM_BIN="$(realpath "$TRANSOM_BIN")"
REAL_PARTS="$("$root/scripts/real/install.sh")"
export REAL_PARTS PYTHONDONTWRITEBYTECODE=1 PYTEST_DISABLE_PLUGIN_AUTOLOAD=1
cd "$root/tests/real"

files="$(mktemp -d -t transom-real.XXXXXX)"
if "$REAL_PARTS/venv/bin/python" -m pytest \
    -p no:cacheprovider --rootdir=. --tb=short --basetemp="$files/run" "$@"; then
    rm -rf "$files"
else
    status=$?
    printf 'logs and configs of this run are in %s\n' "$files" >&2
    exit "$status"
fi
