#!/usr/bin/env bash
# All seven training sets of one run, a student tuned on each by as many steps of as many tokens, and
# their pass@k at step 1 and 2 in the paper's table, the paper's figures below.
#
#   BASE=runs/base TASKS=tasks.jsonl ASKED=humaneval.jsonl TEACHER=openai:gpt-4o-mini \
#     docs/examples/distill_sets.sh [OUT]
#   docs/examples/distill_sets.sh OUT smoke      # that it works: two sets, a fresh model, two steps
#
# BASE is a run, checkpoint or Hugging Face directory; TASKS and ASKED are what `xgen distill tasks`
# wrote. STEPS, TOKENS (of a step), LENGTH (of a row), RATE and PRICES (of the teacher) may be given
# too. Every step takes up where an earlier run of the same script was stopped.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/distill
out=${1:-runs/distill-sets}
scale=${2:-base}
mkdir -p "$out"

say() { printf '\n— %s\n' "$1"; }

sets="stand inpd inpd-refine inpd-combined persd persd-refine persd-combined"
evaluation=(--settings pass1 --settings pass100)
if [ "$scale" = smoke ]; then
  sets="stand persd-combined"
  BASE=$out/base TASKS=$here/tasks.jsonl ASKED=$here/tasks.jsonl STEPS=2 TOKENS=1024 LENGTH=512
  TEACHER=scripted:$here/teacher.jsonl
  student=scripted:$here/student.jsonl
  evaluation=(--settings pass1 --samples 2 --limit 2 --set settings.0.sampling.max_tokens=16)
  [ -d "$BASE" ] || xgen model init tiny --tokenizer xgen -o "$BASE" \
    --set d_model=32 --set d_ff=64 --set n_layers=2
fi
: "${BASE:?a student}" "${TASKS:?tasks to learn from}" "${ASKED:?tasks to be asked}"
: "${TEACHER:?who repairs}"
steps=${STEPS:-100}
tokens=${TOKENS:-65536}
length=${LENGTH:-2048}
rate=${RATE:-5e-6} # as PERsD tunes CodeGen
student=${student:-local:$BASE}

say "one round: the student tries, the teacher repairs"
xgen distill tasks "$TASKS" -o "$out/tasks.jsonl"
xgen distill run "$out/tasks.jsonl" --student "$student" --teacher "$TEACHER" \
  ${PRICES:+--prices "$PRICES"} -o "$out/run"
if [ "$scale" != smoke ]; then
  say "without what gives a task of the benchmark away"
  xgen distill build "$out/run" --decontaminate "$ASKED"
fi

say "the student before"
xgen distill evaluate "$ASKED" --student "local:$BASE" --steps 1 "${evaluation[@]}" -o "$out/scores/base"
compared=("base=$out/scores/base")

for name in $sets; do
  say "$name: $steps steps of $tokens tokens"
  xgen train sft "$out/run/sets/$name.examples.jsonl" --from "$BASE" -o "$out/$name" --template raw \
    --length "$length" --samples 0 --set optimizer.learning_rate="$rate" \
    --set batch_tokens="$tokens" --set stages="[{\"sequence_length\":$length,\"steps\":$steps}]"
  case $name in
    stand | inpd | persd) rounds=1 ;; # not taught to refine
    *) rounds=2 ;;
  esac
  xgen distill evaluate "$ASKED" --student "local:$out/$name" --steps "$rounds" \
    "${evaluation[@]}" -o "$out/scores/$name"
  compared+=("$name=$out/scores/$name")
done

say "side by side"
xgen distill compare "${compared[@]}"
