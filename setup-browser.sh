#!/usr/bin/env bash
# The browser tests drive Debian's Chromium, best its shell without windows; install it where we may, and say
# what is missing where not.
set -euo pipefail
command -v chromium-headless-shell >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing chromium-headless-shell for the browser tests…" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  for browser in chromium-headless-shell chromium; do
    apt-get install -y -qq --no-install-recommends "$browser" fonts-noto-core >/dev/null && exit 0
  done
fi
command -v chromium >/dev/null 2>&1 && exit 0
echo "chromium is missing and we may not install it: the browser tests will be skipped by name" \
  "(Debian: sudo apt-get install chromium-headless-shell)." >&2
