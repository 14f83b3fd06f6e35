#!/usr/bin/env bash
# Fetches nginx for the benchmark where the machine has none: Debian's package unpacked into
# the cache, since installing it would also start a service.
. "$(dirname "$0")/lib.sh"
PATH="$cache/tools/bin:/usr/sbin:$PATH"

have nginx && exit 0
have apt-get || die "nginx is missing: put it on the PATH"
fetch_nginx() {
    apt-get download -qq nginx 2>/dev/null ||
        { as_root apt-get update -qq && apt-get download -qq nginx; } || return 1
    dpkg-deb -x nginx_*.deb . && rm nginx_*.deb
}
mkdir -p "$cache/tools/bin" "$cache/tools/debian"
(cd "$cache/tools/debian" && fetch_nginx) >&2 || die "nginx could not be fetched"
ln -sf ../debian/usr/sbin/nginx "$cache/tools/bin/nginx"
