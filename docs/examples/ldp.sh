#!/usr/bin/env bash
# A translator for a language that has no parallel text, from nothing, in public commands only:
# a model is pre-trained, LDP harvests pairs from unlabelled text, and the model is tuned on them.
# The languages are made up (see world.py), so that the truth is known. docs/ldp/loop.md has figures.
#
#   docs/examples/ldp.sh [OUT] [base|smoke] [SEED]
#
# Every step takes up where an earlier run of the same script was stopped.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/ldp
out=${1:-runs/ldp}
scale=${2:-base}
seed=${3:-0}
begun=$SECONDS
mkdir -p "$out"
cd "$out"

say() { printf '\n%s\n' "— $1 ($((SECONDS - begun)) s)"; }

# X is the language without parallel text; its test set lies in world/test beside its English
x=xal_Cyrl

say "1/6 a world: English, four languages with much text, and X"
python3 "$here/world.py" world --scale "$scale" --seed "$seed"

say "2/6 vocabulary and token store"
xgen tokenizer train world/text --vocab-size 2048 --template raw --output vocabulary
xgen data build "$here/recipes.py:data" --output data --workers 1

say "3/6 pre-training: of X the model sees lines in X, and never a translation"
xgen train run "$here/recipes.py:$scale" --output base --set seed="$seed"

say "4/6 harvest: X → English with one exemplar of each of the four, kept where it passes the checks"
# the user's turn of an example is the prompt of zero-shot without an instruction
prompt='{source}: {text}
{target}:'
xgen ldp synthesize world/unlabelled.txt --language $x --model local:base --bank world/bank \
  --exclude "world/test/$x.txt" --set max_tokens=64 --seed "$seed" --template "$prompt" --output pairs

say "5/6 tuning in both directions on what was harvested"
steps=300
[ "$scale" = smoke ] && steps=2
xgen train sft pairs/examples.jsonl --from base --output tuned --template "$here/line.json" \
  --length 256 --samples 0 --set "stages=[{\"sequence_length\":256,\"steps\":$steps}]" \
  --set batch_tokens=2048 --set optimizer.learning_rate=1e-3 --set seed="$seed"

say "6/6 the test lines, translated by the model before and after"
test() { xgen ldp run world/test --pairs "$x-eng,eng-$x" --lines 1000 --unlabelled "$x=world/unlabelled.txt" --seed "$seed" "$@"; }
test --model local:base --bank world/bank --method ldp \
  --set shots=4 --set max_tokens=64 --output before
test --model local:tuned --method zero-shot \
  --set instruction= --set max_tokens=64 --output after
for direction in "$x-eng_Latn" "eng_Latn-$x"; do
  xgen ldp score "before/translations/$direction--ldp.txt" --language "${direction#*-}" \
    --reference "before/translations/$direction.reference" \
    --paired "after/translations/$direction--zero-shot.txt"
done
xgen report pairs before after --output report.html

say "done: open $out/report.html"
