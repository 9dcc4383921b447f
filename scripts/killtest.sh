#!/usr/bin/env bash
# Kills training with SIGKILL at random moments (20, or as many as the first
# argument says), goes on each time, and compares the final weights, byte for
# byte, with those of a run that nobody disturbed. Also compares --threads 1
# and --threads 2.
set -euo pipefail
cd "$(dirname "$0")/.."
kills=${1:-20}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/saectl" ./cmd/saectl
args=(--quiet --set topk.k=8 --set sae.latents=512 --set train.batch=256 --set train.steps=1500
  --set train.save_every=20 --set train.log_every=50 --set topk.aux_k=16 --set topk.dead_after=20000)

"$dir/saectl" train "${args[@]}" --out "$dir/whole" --threads 1 >/dev/null
started=$(date +%s%N)
"$dir/saectl" train "${args[@]}" --out "$dir/two" --threads 2 >/dev/null
took=$((($(date +%s%N) - started) / 1000000))
cmp "$dir/whole/weights.safetensors" "$dir/two/weights.safetensors"
echo "threads 1 and 2: equal weights (a whole run takes $took ms)"

# A moment is drawn over a span that lets the run advance a little each time.
span=$((took * 2 / kills + 150))
done_kills=0
while [ "$done_kills" -lt "$kills" ]; do
  "$dir/saectl" train "${args[@]}" --out "$dir/killed" --resume >/dev/null 2>"$dir/err" &
  pid=$!
  sleep "$(awk -v ms=$((RANDOM % span)) 'BEGIN{printf "%.3f", ms/1000}')"
  if kill -KILL "$pid" 2>/dev/null; then
    done_kills=$((done_kills + 1))
  fi
  wait "$pid" 2>/dev/null && code=0 || code=$?
  if [ "$code" = 0 ]; then # it finished first: compare, and start anew
    cmp "$dir/whole/weights.safetensors" "$dir/killed/weights.safetensors"
    rm -rf "$dir/killed"
  elif [ "$code" != 137 ]; then
    echo "after $done_kills kills a resumed run failed:"; cat "$dir/err"; exit 1
  fi
done
"$dir/saectl" train "${args[@]}" --out "$dir/killed" --resume >/dev/null
cmp "$dir/whole/weights.safetensors" "$dir/killed/weights.safetensors"
echo "$kills kills: equal weights"
