#!/usr/bin/env bash
# The slower checks: formatting, vet, staticcheck, race, kernels without
# assembly, other processors, generated files, sizes. Run from anywhere.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step gofmt
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "not formatted: $unformatted"; exit 1; }

step go vet
go vet ./...
go vet -tags purego ./...

step staticcheck
go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

step generated assembly
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go -C internal/asmgen run . -out "$dir"
for f in "$dir"/*; do cmp "$f" "internal/kernel/$(basename "$f")"; done

step tests without assembly
go test -tags purego ./internal/kernel/ ./internal/sparseop/ ./sae/ ./topk/

step tests with AVX2 only
SAECTL_KERNELS=avx2 go test -count=1 ./internal/kernel/ ./internal/sparseop/ ./topk/

step race detector
go test -race -short ./...

step build for arm64
GOARCH=arm64 CGO_ENABLED=0 go build ./...

step sizes
scripts/budget.sh
