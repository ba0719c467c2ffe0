#!/usr/bin/env bash
# What the benchmarks need beside Python packages: installed where we may, named where not.
set -euo pipefail
missing=()
for program in wrk valgrind node npm; do
  command -v "$program" >/dev/null 2>&1 || missing+=("$program")
done
[ "${#missing[@]}" = 0 ] && exit 0
packages=("${missing[@]/%node/nodejs}")
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing ${packages[*]} for the benchmarks…" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
else
  echo "Missing for the benchmarks: ${missing[*]} (Debian: sudo apt-get install ${packages[*]})." >&2
  # without wrk there is nothing to measure with; without the others their columns and lines are left out
  command -v wrk >/dev/null 2>&1
fi
