#!/usr/bin/env bash
# Debian packages outside Python's reach. `run`: what reading scans and running code need. `test`: also what the tests
# start.
# Installed when we are root on a Debian-like system; otherwise named, and everything else works without them.
set -u
want="tesseract-ocr tesseract-ocr-kor tesseract-ocr-eng bubblewrap"
[ "${1:-run}" = test ] && want="$want postgresql fonts-nanum chromium libreoffice-writer-nogui libreoffice-impress-nogui"
have() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }
if ! command -v dpkg-query >/dev/null; then
  command -v tesseract >/dev/null || echo "Note: tesseract (with its kor and eng data) is not installed: scanned pages will not be read." >&2
  command -v bwrap >/dev/null || echo "Note: bubblewrap is not installed: code nodes of workflows will not run." >&2
  exit 0
fi
missing=""
for package in $want; do have "$package" || missing="$missing $package"; done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then
  echo "Installing$missing ..."
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  if { apt-get install -y -qq --no-install-recommends $missing || { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; }; } >"$log" 2>&1; then
    rm -f "$log"
    exit 0
  fi
  tail -3 "$log" >&2
  rm -f "$log"
fi
echo "Note: not installed:$missing. Scanned pages need Tesseract, code nodes bubblewrap. Install with:" >&2
echo "  sudo apt-get install -y$missing" >&2
[ "${1:-run}" = test ] && [ "${CI:-}" = true ] && exit 1
exit 0
