#!/usr/bin/env bash
# The experiment of docs/experiments/g-sae.md: g-SAE against TopK at equal k,
# rows and seeds on a dump with real gradients. Prints the tables. Runs that are
# done are not made again, so that it can be stopped and started.
#
#   scripts/experiments/g-sae.sh [folder of the runs, runs/g-sae]
#
# With PYTHON naming a Python that has torch, transformers and pyarrow, reconstructions are also
# put into the model. SAECTL names the program (built from this checkout when
# empty), SAECTL_DATA the folder of the dumps, THREADS the threads. SEEDS, KS,
# BETAS (MORE of them at k = 16) and STEPS are the sizes of the experiment.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-runs/g-sae}
data=${SAECTL_DATA:-../shared/data}
dumps=$data/dumps/babyllama105-l3
read -ra seeds <<<"${SEEDS:-0 1 2}"
read -ra ks <<<"${KS:-16 8 32}"
read -ra betas <<<"${BETAS:-0.3 1 3}"
mkdir -p "$out"
saectl=${SAECTL:-$out/saectl}
[[ -n ${SAECTL:-} ]] || go build -o "$saectl" ./cmd/saectl

# run NAME PRESET [settings]: trains unless NAME is there, and evaluates on the
# test rows, g-SAE both without and with gradients.
run() {
  local dir=$out/$1 preset=$2 args=()
  shift 2
  for s in data.holdout=0 train.steps="${STEPS:-2000}" train.keep_checkpoint=false "$@"; do args+=(--set "$s"); done
  if [[ ! -e $dir/weights.safetensors ]]; then
    "$saectl" train --quiet --resume --threads "${THREADS:-0}" --config "$preset" --dump "$dumps/train" --out "$dir" "${args[@]}" >/dev/null
  fi
  [[ -e $dir/report.json ]] || "$saectl" eval --threads "${THREADS:-0}" --sae "$dir" --dump "$dumps/test" >/dev/null
  if [[ $preset == gradsae && ! -e $dir/gradient/report.json ]]; then
    mkdir -p "$dir/gradient"
    "$saectl" eval --threads "${THREADS:-0}" --sae "$dir" --dump "$dumps/test" --set gradsae.eval_score=gradient --out "$dir/gradient/report.json" >/dev/null
  fi
}

# AuxK is off but for the last two, so that dead latents are the choice's doing.
for seed in "${seeds[@]}"; do
  for k in "${ks[@]}"; do
    run "k$k-topk-s$seed" topk topk.k="$k" topk.aux_k=0 seed="$seed"
    for beta in "${betas[@]}"; do
      run "k$k-beta$beta-s$seed" gradsae gradsae.k="$k" gradsae.beta="$beta" gradsae.aux_k=0 seed="$seed"
    done
  done
  for beta in ${MORE-0.1 10}; do
    run "k16-beta$beta-s$seed" gradsae gradsae.k=16 gradsae.beta="$beta" gradsae.aux_k=0 seed="$seed"
  done
  run "k16-scored-s$seed" gradsae gradsae.k=16 gradsae.beta=1 gradsae.kept_values=scored gradsae.aux_k=0 seed="$seed"
  run "k16-auxk-topk-s$seed" topk topk.k=16 seed="$seed"
  run "k16-auxk-beta1-s$seed" gradsae gradsae.k=16 gradsae.beta=1 seed="$seed"
done

# Reconstructions of the test rows in the model.
if [[ -n ${PYTHON:-} ]]; then
  for dir in "$out"/k*-s*; do
    "$saectl" encode --quiet --threads "${THREADS:-0}" --sae "$dir" --dump "$dumps/test" --out "$dir/codes.arrow"
  done
  OMP_NUM_THREADS=${THREADS:-1} "$PYTHON" scripts/experiments/spliced.py "$data/models/babyllama105-hf" "$dumps/test" "$out"/k*-s* >"$out/spliced.part"
  mv "$out/spliced.part" "$out/spliced.jsonl"
  rm "$out"/k*-s*/codes.arrow
else
  echo "PYTHON is not set: no table of reconstructions in the model" >&2
fi
go run ./scripts/experiments/gsae "$out"
