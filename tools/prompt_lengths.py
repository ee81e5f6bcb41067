"""Print how long the prompts of xgen-reason are, as the table of docs/reason/prompts.md.

    python tools/prompt_lengths.py

A length is that of the whole prompt for an item as long as the set's first example, in tokens of
four characters, which is what English text comes to with most vocabularies.
"""

from __future__ import annotations

import re

from xgen_reason import PromptSet, load_prompts
from xgen_reason.prompts.prompt_set import prompt_sets

CHARACTERS = 4
ANSWERING = ("standard", "thought", "thought_json", "react")
HELPING = ("verify", "answer", "edit", "query", "domain", "sparql", "sql")


def tokens(prompts: PromptSet, stage: str) -> int:
    """Estimated length of a stage's prompt."""
    prompt = prompts.prompt(stage)
    *given, _ = re.findall(r"\{(\w+)\}", prompt.layout)
    if stage == "thought":
        given.remove("rationale")
    item = {field: prompt.shots[0][field] for field in given}
    return round(len(prompts.render(stage, item)) / CHARACTERS)


def main() -> None:
    """One row a set; `1 / 6` are lengths with one and with six examples."""
    print(f"| set | {' | '.join(f'`{stage}`' for stage in (*ANSWERING, *HELPING))} |")
    print(f"|---|{'---|' * len((*ANSWERING, *HELPING))}")
    for name in prompt_sets():
        one, six = load_prompts(name, shots=1), load_prompts(name, shots=6)
        cells = [f"{tokens(one, stage)} / {tokens(six, stage)}" for stage in ANSWERING]
        cells += [f"{tokens(six, stage)}" for stage in HELPING]
        print(f"| `{name}` | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
