#!/usr/bin/env bash
# The experiment of docs/experiments/vsae.md: what noise does to a vSAE, by its
# deviation, against the null model without noise at equal weight of the
# penalty. Prints the tables. Runs that are done are not made again, so that it
# can be stopped and started.
#
#   scripts/experiments/vsae.sh [folder of the runs, runs/vsae]
#
# SAECTL names the program (built from this checkout when empty), SAECTL_DATA the
# folder of the dumps, THREADS the threads. SEEDS, DUMPS, SIGMAS and STEPS are the
# sizes of the experiment.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-runs/vsae}
data=${SAECTL_DATA:-../shared/data}
read -ra seeds <<<"${SEEDS:-0 1 2}"
read -ra dumps <<<"${DUMPS:-sample babyllama105-l3}"
read -ra sigmas <<<"${SIGMAS:-0.05 0.1 0.2 0.4 0.8}"
mkdir -p "$out"
saectl=${SAECTL:-$out/saectl}
[[ -n ${SAECTL:-} ]] || go build -o "$saectl" ./cmd/saectl

# run DUMP NAME SEED [settings]: trains unless that is done, and evaluates on rows
# that were not trained on. AuxK is off, so that dead latents are the noise's
# and the penalty's doing.
run() {
  local dump=$1 dir=$out/$1/$2-s$3 seed=$3 args=() train=sample test=()
  shift 3
  [[ $dump == sample ]] || { train=$data/dumps/$dump/train && test=(--dump "$data/dumps/$dump/test"); }
  local holdout=0.1
  [[ $dump == sample ]] || holdout=0
  for s in vsae.k=16 vsae.aux_k=0 data.holdout=$holdout train.steps="${STEPS:-600}" train.keep_checkpoint=false seed="$seed" "$@"; do args+=(--set "$s"); done
  if [[ ! -e $dir/weights.safetensors ]]; then
    "$saectl" train --quiet --resume --threads "${THREADS:-0}" --config vsae --dump "$train" --out "$dir" "${args[@]}" >/dev/null
  fi
  [[ -e $dir/report.json ]] || "$saectl" eval --threads "${THREADS:-0}" --sae "$dir" ${test[@]+"${test[@]}"} >/dev/null
}

for dump in "${dumps[@]}"; do
  for seed in "${seeds[@]}"; do
    for beta in 0 0.01 0.1; do
      penalty=(vsae.kl_coefficient=0)
      [[ $beta == 0 ]] || penalty=(vsae.penalty=squares vsae.kl_coefficient="$(awk "BEGIN {print $beta / 2}")")
      run "$dump" "null-beta$beta" "$seed" vsae.variance=none "${penalty[@]}"
      for sigma in "${sigmas[@]}"; do
        run "$dump" "fixed$sigma-beta$beta" "$seed" vsae.sigma="$sigma" vsae.kl_coefficient="$beta"
      done
    done
    run "$dump" "none-beta0.1" "$seed" vsae.variance=none vsae.kl_coefficient=0.1
    run "$dump" "null-beta1" "$seed" vsae.variance=none vsae.penalty=squares vsae.kl_coefficient=0.5
    run "$dump" "fixed0.2-beta1" "$seed" vsae.kl_coefficient=1
    for beta in 0 0.001 0.01; do
      run "$dump" "learned-beta$beta" "$seed" vsae.variance=learned vsae.log_var_init=-4 vsae.kl_coefficient="$beta"
    done
    run "$dump" "learnedselected-beta0.01" "$seed" vsae.variance=learned vsae.log_var_init=-4 vsae.kl_coefficient=0.01 vsae.kl_scope=selected
  done
done
for dump in "${dumps[@]}"; do
  go run ./scripts/experiments/vsae "$out/$dump"
done
