#!/usr/bin/env bash
# Loads what saectl exports in the real libraries of other tools and compares
# latents and reconstructions. Skipped, saying so, without a Python environment.
set -euo pipefail
cd "$(dirname "$0")/.."
code=0
python=$(scripts/venv.sh) || code=$?
if [ "$code" = 3 ]; then
  echo "skipped: exports are not checked in other tools' libraries"
  exit
fi
[ "$code" = 0 ] || exit "$code"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/saectl" ./cmd/saectl
golden=${SAECTL_GOLDEN:-../shared/golden}
SPARSIFY_DISABLE_TRITON=1 CUDA_VISIBLE_DEVICES= HF_HUB_OFFLINE=1 "$python" scripts/peers_check.py "$dir/saectl" "$golden/formats" "$dir/work"
