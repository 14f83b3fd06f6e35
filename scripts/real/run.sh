#!/usr/bin/env bash
# Runs Transom (TRANSOM_BIN, by default the `real` profile's build; the example
# SIMULATED_DAYS likewise) between real clients and a real model. Arguments go to pytest.
. "$(dirname "$0")/../lib.sh"
root="$(cd "$(dirname "$0")/../.." && pwd)"

export TRANSOM_BIN="${TRANSOM_BIN:-$root/target/real/transom}"
export SIMULATED_DAYS="${SIMULATED_DAYS:-$root/target/real/examples/simulated_days}"
build="cargo build --profile real --example simulated_days --bin transom"
for program in TRANSOM_BIN SIMULATED_DAYS; do
    [ -x "${!program}" ] ||
        die "no program at ${!program}: run '$build' or set $program"
    printf -v "$program" %s "$(realpath "${!program}")"
done
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
