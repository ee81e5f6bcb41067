#!/usr/bin/env bash
# The main job from end to end, in public commands only:
# raw text → clean documents → vocabulary → token store → staged training → instruction tuning →
# evaluation → one page.
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

say "1/7 reading and cleaning the Python standard library"
xgen data build "$recipe" --output "$out/data" --until documents

say "2/7 training a vocabulary"
xgen tokenizer train "$out/data/documents/train" --vocab-size 2048 --output "$out/tokenizer"

say "3/7 tokenising into a store"
xgen data build "$recipe" --output "$out/data" \
  --set tokenizer="$out/tokenizer"

say "4/7 training through three sequence lengths"
xgen train run "xgen_train.recipes.quickstart:$scale" --output "$out/train" \
  --set store="$out/data"

say "5/7 tuning on questions and answers from docstrings"
epochs=1
[ "$scale" = smoke ] && epochs=0.05
xgen data docstrings --output "$out/docstrings.jsonl"
[ -d "$out/instruct" ] || xgen data instruct "$out/docstrings.jsonl" --hold-out task --output "$out/instruct"
xgen train sft "$out/instruct" --from "$out/train" --output "$out/sft" --template xgen \
  --length 256 --batch 32 --epochs "$epochs" --set optimizer.learning_rate=1e-3

say "6/7 evaluating on held-out documents"
xgen eval run --model "local:$out/train" --output "$out/eval" \
  --task bits_per_byte --task position_nll --task continuation_choice --task samples \
  --documents "$out/data/documents/validation"

say "7/7 writing the page"
xgen report "$out/data" "$out/train" "$out/sft" "$out/eval" --output "$out/report.html"

say "done: open $out/report.html"
