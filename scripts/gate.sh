#!/usr/bin/env bash
# Trains each variant on the embedded sample with a fixed seed and passes it
# through the regression gate of eval; shows that a run that is worse on purpose
# fails there; and asks runs with a target_l0 to keep it within 5 % on all rows (the
# few held out with this seed are denser than the others). With --update it writes the baselines anew.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/saectl" ./cmd/saectl

train() { # VARIANT STEPS FOLDER [SETTING...]
  local variant=$1 steps=$2 out=$3
  shift 3
  "$dir/saectl" train --quiet --set variant="$variant" --set dump=sample --set data.holdout=0.1 --set sae.latents=512 \
    --set train.batch=1024 --set train.steps="$steps" --set seed=1 "$@" --out "$out" >/dev/null 2>"$dir/err" || { cat "$dir/err"; exit 1; }
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

for variant in relu gated jumprelu; do
  for target in 8 16 32; do
    train "$variant" 400 "$dir/$variant-$target" --set "$variant.target_l0=$target"
    "$dir/saectl" eval --sae "$dir/$variant-$target" --split all --json 2>/dev/null |
      awk -v what="$variant at target_l0 $target" -v target="$target" '
        $1 == "\"l0\":" { getline; l0 = $2 + 0 }
        END {
          printf "%s: rows keep %.2f latents\n", what, l0
          exit l0 < 0.95 * target || l0 > 1.05 * target
        }'
  done
done
