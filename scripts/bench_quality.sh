#!/usr/bin/env bash
# How good is a TopK autoencoder after 2,000 steps on two real dumps, beside the
# figures of dictionary_learning's trainer on the same rows (the README beside
# the dumps, section 7)? Prints a table: the reference protocol at equal
# settings, the normal control, and the preset topk. Three seeds each.
# SAECTL_DATA names the folder of the dumps (default ../shared/data).
set -euo pipefail
cd "$(dirname "$0")/.."
data=${SAECTL_DATA:-../shared/data}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/saectl" ./cmd/saectl
seeds=${1:-3}

# run LABEL TRAIN TEST [flags of train]: one line of the table.
run() {
  local label=$1 train=$2 test=$3 fvus="" deads=""
  shift 3
  for seed in $(seq 0 $((seeds - 1))); do
    rm -rf "$dir/run"
    "$dir/saectl" train --quiet --dump "$train" --out "$dir/run" --set data.holdout=0 --set train.batch=1024 --set train.steps=2000 \
      --set train.save_every=2000 --set seed="$seed" "$@" >/dev/null 2>&1
    "$dir/saectl" eval --sae "$dir/run" --dump "$test" --json >"$dir/report.json"
    fvus+=" $(metric fvu)"
    deads+=" $(metric dead_fraction)"
  done
  echo "$label $fvus $deads" | awk -v n="$seeds" -v label="$label" '{
    k = NF - 2*n; f = 0; d = 0
    for (i = 1; i <= n; i++) { f += $(k+i); d += $(k+n+i); all = all sprintf(" %.5f", $(k+i)) }
    printf "| %s | %.5f |%s | %.2f %% |\n", label, f/n, all, 100*d/n }'
}

metric() { awk -v name="\"$1\":" '$1 == name {getline; gsub(/[",]/, ""); print $2; exit}' "$dir/report.json"; }

reference=(--config topk --set sae.decoder_init=random --set topk.aux_k=0 --set optimizer.warmup=100 --set optimizer.decay_start=0.8)
echo "| run | FVU on test, mean | each seed | dead on test, mean |"
echo "| --- | --- | --- | --- |"
for d in babyllama105-l3:0.003 stories260k-l3:0.006; do
  name=${d%:*} lr=${d#*:}
  "$dir/saectl" data synth gaussian --like "$data/dumps/$name/train" --out "$dir/control-$name/train" --seed 1 >/dev/null
  "$dir/saectl" data synth gaussian --like "$data/dumps/$name/train" --out "$dir/control-$name/test" --rows 10000 --seed 2 >/dev/null
  for k in 16 8; do
    run "$name, k $k, reference protocol, rate $lr" "$data/dumps/$name/train" "$data/dumps/$name/test" "${reference[@]}" --set topk.k=$k --set optimizer.lr=$lr
    run "$name, k $k, preset topk" "$data/dumps/$name/train" "$data/dumps/$name/test" --config topk --set topk.k=$k
    run "$name, k $k, normal control, rate $lr" "$dir/control-$name/train" "$dir/control-$name/test" "${reference[@]}" --set topk.k=$k --set optimizer.lr=$lr
  done
done
