#!/usr/bin/env bash
# Makes a Debian machine that has Rust able to build Transom. Does nothing, at once, where
# nothing is missing. zlib-ng is built from source, so cmake, make and a C compiler are
# needed; without root, cmake comes as a wheel into $cache/tools/bin, which the Makefile
# has on its PATH.
. "$(dirname "$0")/lib.sh"
here="$(cd "$(dirname "$0")" && pwd)"
PATH="$cache/tools/bin:$PATH"

have cargo || die "cargo is missing: install Rust (the version is rust-version in Cargo.toml)"

missing=()
have cc || missing+=(gcc libc6-dev)
have make || missing+=(make)
have cmake || missing+=(cmake)
[ "${#missing[@]}" = 0 ] && exit 0
apt_install "${missing[@]}" && exit 0

{ have cc && have make; } ||
    die "not root and no sudo: have an administrator install ${missing[*]}"
python3 -m venv "$cache/tools/venv" || die "python3 with venv is missing: install cmake"
"$cache/tools/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --require-hashes --no-deps -r "$here/cmake.txt" ||
    die "cmake could not be fetched: install cmake"
mkdir -p "$cache/tools/bin"
ln -sf ../venv/bin/cmake "$cache/tools/bin/cmake"
