#!/usr/bin/env bash
# Times a step of saectl and of Python trainers against the number of latents
# and against k, and draws both:
#
#   scripts/bench_sizes.sh SAECTL PYTHON docs/bench/DATE-sizes
#
# writes DATE-sizes.jsonl, one run of scripts/bench_peers.py a line, and
# DATE-sizes-latents.svg and DATE-sizes-k.svg. ROUNDS and STEPS are passed on.
# Run it on a machine that has nothing else to do; it takes a quarter of an hour.
set -euo pipefail
[ $# -eq 3 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }
saectl=$(realpath "$1") python=$2 out=$3
peers=dictionary_learning_topk,saelens_topk,sparsify_adam,handwritten_bf16,encoder_product
here=$(realpath "$(dirname "$0")") # go takes a relative folder for a package of its library

measure() {
  "$python" "$here/bench_peers.py" --json --saectl "$saectl" --only "$peers" \
    --rounds "${ROUNDS:-3}" --steps "${STEPS:-3}" "$@" | grep '^{' >>"$out.jsonl"
}

: >"$out.jsonl"
for latents in 1536 3072 6144 12288 24576 49152; do measure --latents "$latents"; done
for k in 8 16 64 128 256; do measure --k "$k"; done
go run "$here/benchplot" -in "$out.jsonl" -out "$out"
