#!/usr/bin/env bash
# A disk that is full while a checkpoint is saved: training stops with one
# error that names the file, the checkpoint before it still loads, and the run
# ends with the weights of one that nobody disturbed once there is room again.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/saectl" ./cmd/saectl
args=(train --quiet --set sae.latents=512 --set topk.aux_k=0 --set train.batch=128 --set train.save_every=10)

"$dir/saectl" "${args[@]}" --set train.steps=40 --set optimizer.decay_start=1 --out "$dir/whole" >/dev/null 2>&1
"$dir/saectl" "${args[@]}" --set train.steps=10 --set optimizer.decay_start=1 --out "$dir/full" >/dev/null 2>&1
if (
  ulimit -f 600 # in KiB: less than a checkpoint
  "$dir/saectl" "${args[@]}" --set train.steps=40 --set optimizer.decay_start=1 --out "$dir/full" --resume >/dev/null 2>"$dir/err"
); then
  echo "training ended without room for its checkpoints"; exit 1
fi
[ "$(wc -l <"$dir/err")" -le 2 ] && grep -q 'step-0000000020.safetensors.*intact' "$dir/err" || { cat "$dir/err"; exit 1; }
"$dir/saectl" eval --sae "$dir/full" --dump sample --json >/dev/null
"$dir/saectl" "${args[@]}" --set train.steps=40 --set optimizer.decay_start=1 --out "$dir/full" --resume >/dev/null 2>&1
cmp "$dir/whole/weights.safetensors" "$dir/full/weights.safetensors"
echo "full disk: one error, the checkpoint before it loads, equal weights afterwards"
