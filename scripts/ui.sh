#!/usr/bin/env bash
# Looks at Transom's pages (TRANSOM_BIN, by default the `real` profile's build) with a real
# browser. Arguments go to Node's test runner.
. "$(dirname "$0")/lib.sh"
root="$(cd "$(dirname "$0")/.." && pwd)"

export TRANSOM_BIN="${TRANSOM_BIN:-$root/target/real/transom}"
[ -x "$TRANSOM_BIN" ] ||
    die "no program at $TRANSOM_BIN: run 'cargo build --profile real' or set TRANSOM_BIN"
TRANSOM_BIN="$(realpath "$TRANSOM_BIN")"

browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
CHROMIUM="${CHROMIUM:-$(browser)}" || { apt_install chromium && CHROMIUM="$(browser)"; } ||
    die "no browser: have an administrator install chromium, or set CHROMIUM"
export CHROMIUM

parts="$("$root/scripts/real/install.sh")"
export NODE_PATH="$parts/node/node_modules"
cd "$root/tests/ui"
exec "$parts/bin/node" --test --test-force-exit --test-concurrency=1 --test-reporter=spec \
    "$@" ./*.test.cjs
