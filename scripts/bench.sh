#!/usr/bin/env bash
# Runs the Go benchmarks of what a step, encoding and evaluation are made of, in
# the format of benchstat:
#
#   scripts/bench.sh > before.txt      # then change something
#   scripts/bench.sh > after.txt
#   benchstat before.txt after.txt     # golang.org/x/perf/cmd/benchstat
#
# Run it on a machine that has nothing else to do. COUNT rounds are made (default
# 6, the least that benchstat takes for an interval), BENCH chooses by name, TIME
# is spent on each, and TAGS=openblas puts that library's product beside ours.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(./internal/kernel ./internal/sparseop ./activations ./data ./eval ./topk ./afa ./gradsae ./mpsae ./vsae)
go test -tags "${TAGS:-}" -run '^$' -bench "${BENCH:-.}" -benchtime "${TIME:-1s}" -count "${COUNT:-6}" -benchmem "${packages[@]}"
