"""What the report page shows of judged programs: outcomes, and a browser through the programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from xgen_core.report import Item, Items, Table
from xgen_eval.execution.verdict import OUTCOMES, Verdict

__all__ = ["outcome_table", "program_browser"]

_SHOWN = 200
_MEANINGS = {
    "passed": "every test was met",
    "assertion": "a test was not met",
    "exception": "the program raised one, or the test over its answer",
    "syntax": "it does not compile",
    "timeout": "no verdict in time",
    "memory": "more memory than allowed",
    "output": "it said more than allowed",
    "denied": "it wanted what the sandbox forbids",
    "harness_error": "no fault of the program: no verdict",
}


def outcome_table(verdicts: Sequence[Verdict], caption: str = "") -> Table:
    """How many programs had each outcome, those of none left out."""
    counts = Counter(verdict.outcome for verdict in verdicts)
    return Table(
        columns=("outcome", "programs", "share", "meaning"),
        rows=tuple(
            (name, counts[name], round(counts[name] / len(verdicts), 4), _MEANINGS[name])
            for name in OUTCOMES
            if counts[name]
        ),
        caption=caption,
    )


def program_browser(programs: Sequence[tuple[str, str, Verdict]]) -> Items:
    """A browser through (id, program, verdict), those that failed first."""
    ordered = sorted(programs, key=lambda entry: entry[2].passed)
    shown = [
        Item(title=f"{name}  {verdict.outcome}", fields={"program": program} | _fields(verdict))
        for name, program, verdict in ordered[:_SHOWN]
    ]
    some = f"{len(shown)} of {len(programs)} programs" if len(shown) < len(programs) else "Programs"
    return Items(items=tuple(shown), caption=f"{some}, those that failed first.")


def _fields(verdict: Verdict) -> dict[str, str]:
    """What there is to say, by heading."""
    said = {
        "what went wrong": verdict.detail,
        "test": verdict.assertion,
        "input": verdict.input,
        "expected": verdict.expected,
        "got": verdict.got,
        "printed": verdict.stdout,
        "verdict": "" if verdict.strict else "weak: test and program shared a process",
    }
    return {heading: text for heading, text in said.items() if text}
