#!/usr/bin/env bash
# Makes the Python environment of the checks against other tools, once, and
# prints the path of its interpreter. It is kept and found again under a name
# that follows from scripts/requirements.txt. SAECTL_PYTHON names an interpreter
# to use instead, SAECTL_VENV another folder.
#
# Exit 3, with a line that says why: there is no Python, or its packages cannot
# be had (no network). Such checks are then skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() { echo "no Python environment: $*" >&2; exit 3; }

if [ -n "${SAECTL_PYTHON:-}" ]; then
  "$SAECTL_PYTHON" -c 'import torch' 2>/dev/null || skip "$SAECTL_PYTHON cannot import torch"
  echo "$SAECTL_PYTHON"
  exit
fi
name=$(sha256sum scripts/requirements.txt | cut -c1-12)
dir=${SAECTL_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/saectl/venv-$name}
if [ -e "$dir/complete" ]; then
  echo "$dir/bin/python"
  exit
fi
command -v python3 >/dev/null || skip "python3 is not installed"
mkdir -p "$(dirname "$dir")"
exec 9>"$dir.lock"
flock 9 # two checks at once make one environment
if [ ! -e "$dir/complete" ]; then
  echo "making $dir; the first time takes minutes" >&2
  rm -rf "$dir"
  python3 -m venv "$dir" >&2 || skip "python3 -m venv failed"
  timeout "${SAECTL_VENV_TIMEOUT:-1200}" "$dir/bin/pip" install --quiet --retries 1 --timeout 30 \
    -r scripts/requirements.txt >&2 || { rm -rf "$dir"; skip "its packages could not be installed"; }
  touch "$dir/complete"
fi
echo "$dir/bin/python"
