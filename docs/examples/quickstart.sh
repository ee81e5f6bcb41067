#!/usr/bin/env bash
# The main job from end to end, in public commands only:
# raw text → clean documents → vocabulary → token store → staged training → evaluation → one page.
#
#   docs/examples/quickstart.sh [OUT] [base|smoke]
#
# Every step takes up where an earlier run of the same script was stopped.
set -euo pipefail

out=${1:-runs/quickstart}
scale=${2:-base}
begun=$SECONDS

say() { printf '\n%s\n' "— $1 ($((SECONDS - begun)) s)"; }

recipe=xgen_data.recipes.stdlib:build

say "1/6 reading and cleaning the Python standard library"
xgen data build "$recipe" --output "$out/data" --until documents

say "2/6 training a vocabulary"
xgen tokenizer train "$out/data/documents/train" --vocab-size 2048 --output "$out/tokenizer"

say "3/6 tokenising into a store"
xgen data build "$recipe" --output "$out/data" \
  --set tokenizer="$out/tokenizer"

say "4/6 training through three sequence lengths"
xgen train run "xgen_train.recipes.quickstart:$scale" --output "$out/train" \
  --set store="$out/data"

say "5/6 evaluating on held-out documents"
xgen eval run --model "local:$out/train" --output "$out/eval" \
  --task bits_per_byte --task position_nll --task continuation_choice --task samples \
  --documents "$out/data/documents/validation"

say "6/6 writing the page"
xgen report "$out/data" "$out/train" "$out/eval" --output "$out/report.html"

say "done: open $out/report.html"
