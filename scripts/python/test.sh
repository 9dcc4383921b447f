#!/usr/bin/env bash
# Tests the Python bridge in the environment that scripts/venv.sh makes, with a
# saectl built from this checkout. Skips, saying so, where there is none.
set -euo pipefail
cd "$(dirname "$0")"
python=$(../venv.sh) || {
  [ $? -eq 3 ] || exit 1
  echo "skipped: the tests of the Python bridge need the environment of scripts/venv.sh" >&2
  exit 0
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -C ../.. -o "$dir/saectl" ./cmd/saectl
SAECTL=${SAECTL:-$dir/saectl} PYTHONPATH=. "$python" -W ignore -m unittest discover -t . -s tests "$@"
