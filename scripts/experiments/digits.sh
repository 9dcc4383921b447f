#!/usr/bin/env bash
# The experiment of docs/experiments/digits.md: how far codes of TopK, matching
# pursuit and AFA know the classes of small images and find classes that they
# never saw, beside the same for the raw rows. Prints the tables. Runs that are
# done are not made again, so that it can be stopped and started.
#
#   scripts/experiments/digits.sh [folder of the runs, runs/digits]
#
# SAECTL names the program (built from this checkout when empty), SAECTL_DATA the
# folder of the dumps, THREADS the threads. SEEDS, LATENTS, K and STEPS are the
# sizes of the experiment.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-runs/digits}
digits=${SAECTL_DATA:-../shared/data}/dumps/digits
read -ra seeds <<<"${SEEDS:-0 1 2}"
mkdir -p "$out"
saectl=${SAECTL:-$out/saectl}
[[ -n ${SAECTL:-} ]] || go build -o "$saectl" ./cmd/saectl

# run VARIANT SEED [settings]: trains on the images of eight classes unless that
# is done, and evaluates on others of these and on those of two more.
run() {
  local variant=$1 dir=$out/$1-s$2 args=(--set seed="$2")
  shift 2
  for s in sae.latents="${LATENTS:-256}" train.steps="${STEPS:-1000}" train.batch=256 train.keep_checkpoint=false data.holdout=0 "$@"; do args+=(--set "$s"); done
  if [[ ! -e $dir/weights.safetensors ]]; then
    "$saectl" train --quiet --resume --threads "${THREADS:-0}" --config "$variant" --dump "$digits/train" --out "$dir" "${args[@]}" >/dev/null
  fi
  [[ -e $dir/report.json ]] || "$saectl" eval --threads "${THREADS:-0}" --sae "$dir" --dump "$digits/test" --probe-train "$digits/train" --ood "$digits/ood" >/dev/null
}

for seed in "${seeds[@]}"; do
  run topk "$seed" topk.k="${K:-8}" data.scale=mean-norm optimizer.lr=0.003 optimizer.warmup=50
  run mpsae "$seed" mpsae.k="${K:-8}"
  run afa "$seed" optimizer.lr=0.003
done
go run ./scripts/experiments/digits "$out"
