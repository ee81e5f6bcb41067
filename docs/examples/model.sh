#!/usr/bin/env bash
# One model through every door: made, exported for transformers, taken in again, scored, continued.
#
#   docs/examples/model.sh [OUT]
#
# A real model takes the same way: `xgen model import DIR` reads what the hub's models look like.
set -euo pipefail

out=${1:-runs/model}
mkdir -p "$out"

say() { printf '\n%s\n' "— $1"; }

say "a fresh model over XGen's vocabulary (untrained, so it writes nonsense)"
xgen model init tiny --tokenizer xgen -o "$out/tiny" --set d_model=32 --set d_ff=64 --set n_layers=2
xgen model info "$out/tiny"

say "as transformers reads it, with its tokenizer, in files of at most 2 MB"
xgen model export "$out/tiny" -o "$out/hugging-face" --shard-size 2MB

say "taken in again: the same weights"
xgen model import "$out/hugging-face" -o "$out/again"

say "a Hugging Face directory needs no import to be used"
xgen model score "$out/hugging-face" "${BASH_SOURCE[0]}"
xgen model score "$out/tiny" "${BASH_SOURCE[0]}"
xgen model generate "$out/again" --prompt "def main(" --max-tokens 16 --temperature 0.8 --no-stream

say "done: xgen model serve $out/again would make it an endpoint"
