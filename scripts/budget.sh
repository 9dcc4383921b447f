#!/usr/bin/env bash
# Fails when a function is over 60 lines; names files over 300.
set -euo pipefail
cd "$(dirname "$0")/.."
long=$(git ls-files '*.go' | while read -r f; do
  awk -v f="$f" '/^func /{s=NR;n=$0} /^}/{if(s&&NR-s>=60){sub(/\{.*/,"",n);printf "%s:%d: %d lines: %.70s\n",f,s,NR-s+1,n};s=0}' "$f"
done)
git ls-files '*.go' | grep -v _test.go | while read -r f; do
  lines=$(wc -l <"$f")
  [ "$lines" -le 300 ] || echo "over 300 lines: $f ($lines)"
done
[ -z "$long" ] || { echo "functions over 60 lines:"; echo "$long"; exit 1; }
