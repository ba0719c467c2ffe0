#!/usr/bin/env bash
# Make .venv and install the named requirement files, unless just these are installed already.
set -euo pipefail
cd "$(dirname "$0")"
say() { printf '%s\n' "$*" >&2; }

python=""
for candidate in ${PYTHON3:-} python3.11 python3.12 python3.13 python3; do
  if command -v "$candidate" >/dev/null 2>&1 &&
    "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || { say "Python 3.11 or later is missing: install it (Debian: apt-get install python3 python3-venv)."; exit 1; }
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
  { say "Python's venv module is missing: install it (Debian: apt-get install python3-venv)."; exit 1; }
[ -w . ] || { say "$(pwd) cannot be written: run as its owner or change its permissions."; exit 1; }

exec 9>.setup.lock
flock 9 2>/dev/null || true # two commands at once wait for each other

stamp=.venv/installed
wanted=$(cat "$@" | cksum)
if [ -x .venv/bin/python ] && grep -qxF "$wanted" "$stamp" 2>/dev/null; then
  exit 0
fi
if ! .venv/bin/python -c '' 2>/dev/null; then
  rm -rf .venv
  "$python" -m venv .venv
fi
say "Installing $* (the first time takes a minute or two)…"
files=()
for file in "$@"; do files+=(-r "$file"); done
if ! .venv/bin/python -m pip install --quiet --require-hashes "${files[@]}" 2>.venv/pip.log; then
  grep -v '^WARNING: Location' .venv/pip.log | tail -n 15 >&2
  say "pip could not install the requirements: see above (is a package index reachable?)."
  exit 1
fi
printf '%s\n' "$wanted" >>"$stamp"
