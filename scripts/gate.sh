#!/usr/bin/env bash
# Trains each variant on the embedded sample with a fixed seed and passes it
# through the regression gate of eval; then shows that a run that is worse on
# purpose fails there. With --update it writes the baselines anew.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/saectl" ./cmd/saectl

train() { # VARIANT STEPS FOLDER
  "$dir/saectl" train --quiet --set variant="$1" --set dump=sample --set data.holdout=0.1 --set sae.latents=512 \
    --set train.batch=1024 --set train.steps="$2" --set seed=1 --out "$3" >/dev/null 2>"$dir/err" || { cat "$dir/err"; exit 1; }
}

for baseline in scripts/baselines/*.json; do
  variant=$(basename "$baseline" .json)
  train "$variant" 400 "$dir/$variant"
  if [ "${1:-}" = --update ]; then
    "$dir/saectl" eval --sae "$dir/$variant" --baseline "$baseline" --update-baseline 2>/dev/null
  else
    "$dir/saectl" eval --sae "$dir/$variant" --baseline "$baseline" >"$dir/table" || { cat "$dir/table"; exit 1; }
  fi
  echo "$variant: within its baseline"
done

train topk 40 "$dir/worse"
if "$dir/saectl" eval --sae "$dir/worse" --baseline scripts/baselines/topk.json >"$dir/table" 2>&1; then
  echo "a run of a tenth of the steps passes the gate:"; cat "$dir/table"; exit 1
fi
echo "a run of a tenth of the steps fails the gate"
