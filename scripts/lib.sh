# shellcheck shell=bash disable=SC2034
# What the scripts share. Sourced, not run.
set -euo pipefail

# Everything fetched lies here, outside the checkout.
cache="${TRANSOM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/transom}"

have() { command -v "$1" >/dev/null 2>&1; }

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# as_root COMMAND...: runs it as root, or fails where that takes a password.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif have sudo; then sudo -n "$@"; else return 1; fi
}

# apt_install PACKAGE...: fails where there is no apt or no way to become root.
apt_install() {
    have apt-get && as_root true 2>/dev/null || return 1
    printf 'installing %s\n' "$*" >&2
    as_root apt-get update -qq >&2
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >&2
}
