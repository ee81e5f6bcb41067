#!/usr/bin/env bash
# Twenty tasks, a student with habits, a teacher that knows them: one round, seven training sets.
# Both models are files of rules, so it needs no key and no network; put `--student local:DIR` and
# `--teacher openai:NAME` in their place to ask real ones.
#
#   docs/examples/distill.sh [OUT]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/distill
out=${1:-runs/distill}
mkdir -p "$out"

say() { printf '\n%s\n\n' "— $1"; }

say "tasks: each direct solution passes, and the tests notice faults"
xgen distill tasks "$here/tasks.jsonl" --mutants 5 -o "$out/tasks.jsonl"

say "a round: attempts, first failing tests, repairs, sets"
xgen distill run "$out/tasks.jsonl" --student "scripted:$here/student.jsonl" \
  --teacher "scripted:$here/teacher.jsonl" -o "$out/run"

say "the sets again, as the paper's released code combines them, for another trainer"
xgen distill build "$out/run" --combined direct --export chat -o "$out/sets-direct"

say "every task from its tests to its rows, on one page"
xgen report "$out/run" -o "$out/report.html"
