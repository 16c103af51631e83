#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# build.sh [DIR] [meson options...]: installs what building needs, builds into DIR (default build/). TARGETS names what
# to build when not everything is wanted.
set -euo pipefail
cd "$(dirname "$0")"
scripts/packages build
dir=${1:-build}
shift $(($# > 0 ? 1 : 0))
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [ ! -f "$dir/build.ninja" ]; then
    PYTHONPATH='' meson setup "$dir" "$@" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
fi
read -ra targets <<<"${TARGETS-}"
ninja -C "$dir" "${targets[@]}" >"$log" 2>&1 || { grep -v '^\[' "$log" | head -n 60 >&2; exit 1; }
