#!/usr/bin/env bash
# The runs of docs/experiments/mp-sae.md. Finished ones are kept, so that the
# command may be given again.
#
#   scripts/experiments/mp-sae.sh SAECTL OUT DUMPS [tree|absorption|steps]
#
# SAECTL is the program, OUT the folder of the runs, DUMPS one that holds
# stories260k-l3. Then: go run ./scripts/experiments/mpsae OUT
set -euo pipefail
saectl=$1 out=$2 dumps=$3 part=${4:-all}
grid=$(dirname "$0")/mpsae/tree.yaml
mkdir -p "$out"

# tree NAME SEED FLAGS...: all variants on one tree, which is made and removed.
tree() {
  local dir=$out/$1-s$2 seed=$2
  shift 2
  [ ! -e "$dir/done" ] || return 0
  rm -rf "$dir.rows"
  "$saectl" data synth tree --out "$dir.rows" --rows 3000000 --seed "$seed" "$@" >&2
  "$saectl" sweep --config "$grid" --dump "$dir.rows" --out "$dir" --set seed="$seed" --quiet >"$dir.txt"
  rm -r "$dir.rows"
  mv "$dir.txt" "$dir/done"
}

# steps NAME DUMP TEST: the same k in training, and a ladder of k afterwards.
steps() {
  local dir=$out/$1
  shift
  "$saectl" sweep --config "$(dirname "$0")/mpsae/steps.yaml" --out "$dir" --quiet "$@" >"$dir.txt"
  for run in "$dir"/*/; do
    [ -e "$run/ladder.json" ] || "$saectl" eval --sae "$run" ${TEST:+--dump "$TEST"} --k 1,2,4,8,16,32,64,128 --json >"$run/ladder.tmp"
    [ -e "$run/ladder.json" ] || mv "$run/ladder.tmp" "$run/ladder.json"
  done
  for variant in mpsae topk batchtopk matryoshka relu gated jumprelu; do
    "$saectl" compare "$dir/$variant"-seed* --json >"$dir/seeds-$variant.json"
  done
}

wants() { [ "$part" = all ] || [ "$part" = "$1" ]; }

if wants steps; then
  steps steps-sample --dump sample
  TEST=$dumps/stories260k-l3/test steps steps-stories260k-l3 --dump "$dumps/stories260k-l3/train" --test "$dumps/stories260k-l3/test"
fi

# trees SEED: all variants on every tree, with one seed.
trees() {
  if wants tree; then
    for c in 0 0.3 0.6 0.9; do tree "tree-c$c" "$1" --correlation "$c"; done
  fi
  if wants absorption; then
    for mean in 0.1 1; do
      tree "child-m$mean" "$1" --parent-mean 1 --parent-std 0.25 --child-mean "$mean" --child-std 0.025
    done
  fi
}

# Seed by seed, so that what is there at any time is about equally many of each.
for seed in 0 1 2 3 4 5; do trees "$seed"; done
