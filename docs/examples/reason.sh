#!/usr/bin/env bash
# Three questions, one for each kind of knowledge: notes, a graph and a table. The model is a file of
# rules, so it needs no key and no network; put `-m openai:NAME` in its place to ask a real one.
#
#   docs/examples/reason.sh [OUT]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/reason
out=${1:-runs/reason}
mkdir -p "$out"

say() { printf '\n%s\n\n' "— $1"; }

say "notes, by Verify-and-Edit"
xgen reason index "$here/notes" -o "$out/notes.db"
xgen reason ask "In which town was the mathematician born who taught Ada Lovelace calculus?" \
  -m "scripted:$here/rules.jsonl" -s "text:$out/notes.db" -o "$out/text"

say "a graph, by Chain-of-Knowledge"
xgen reason ask "Who discovered the largest moon of Saturn?" --method chain-of-knowledge \
  -m "scripted:$here/rules.jsonl" -s "rdf:$here/moons.ttl" -o "$out/graph"

say "a table, by Verify-and-Edit"
xgen reason ask "How many kilometres long is the longest river that flows into the Black Sea?" \
  -m "scripted:$here/rules.jsonl" -s "table:$here/rivers.csv" -o "$out/table"

say "every stage of all three, on one page"
xgen report "$out/text" "$out/graph" "$out/table" -o "$out/report.html"
