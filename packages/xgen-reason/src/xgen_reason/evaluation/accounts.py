"""What editing did: which answers it mended and which it broke, from which evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xgen_core.records import Record
from xgen_eval.statistics import ratio_of_sums
from xgen_eval.task import Metric
from xgen_reason.evaluation.metrics import main_score
from xgen_reason.question import Question
from xgen_reason.result import Result

__all__ = ["EditAccount", "account", "accounts_by", "inclusion", "is_flagged", "problems"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditAccount(Record):
    """Answers before and after, over the questions that were not certain.

    Right and wrong are by the main score of the question's kind; for scores between (BLEU, F1 of a
    set) read them as better and worse.

    Attributes:
        questions: that were looked at.
        flagged: of them, not certain: edited, or handed to another method.
        wrong_to_right, right_to_wrong, unchanged: flagged questions by what became of the answer.
        steps: that were verified.
        changed: of them, that read differently now.
    """

    questions: int
    flagged: int
    wrong_to_right: int
    right_to_wrong: int
    unchanged: int
    steps: int
    changed: int


def is_flagged(result: Result) -> bool:
    """Whether the method was not certain of its first answer."""
    return result.route in ("edited", "fallback") or bool(result.edits)


def account(pairs: Sequence[tuple[Question, Result]]) -> EditAccount:
    """Count what editing did; questions without golds count as unchanged."""
    flagged = [(question, result) for question, result in pairs if is_flagged(result)]
    gains = [
        main_score(result.answer, question) - main_score(result.first, question)
        if question.golds
        else 0.0
        for question, result in flagged
    ]
    edits = [edit for _, result in flagged for edit in result.edits]
    return EditAccount(
        questions=len(pairs),
        flagged=len(flagged),
        wrong_to_right=sum(gain > 0 for gain in gains),
        right_to_wrong=sum(gain < 0 for gain in gains),
        unchanged=sum(gain == 0 for gain in gains),
        steps=len(edits),
        changed=sum(edit.changed for edit in edits),
    )


def accounts_by(pairs: Sequence[tuple[Question, Result]]) -> Mapping[str, EditAccount]:
    """The same by source that gave evidence which an edit was shown (`source/NAME`), and by domain.

    A question counts for each of its sources and domains.
    """
    groups: dict[str, list[tuple[Question, Result]]] = {}
    for question, result in pairs:
        used = {edit.found[place].source for edit in result.edits for place, _ in edit.used}
        names = [f"source/{source}" for source in used]
        names += [f"domain/{domain}" for domain in result.domains]
        for name in names:
            groups.setdefault(name, []).append((question, result))
    return {name: account(groups[name]) for name in sorted(groups)}


def inclusion(pairs: Sequence[tuple[Question, Result]]) -> Mapping[str, Metric]:
    """Which part of the paragraphs that answers rest on was found, and which part was shown.

    A paragraph counts where it contains a piece of evidence, or is contained in one, spaces apart:
    `inclusion/found` in everything that sources gave, `inclusion/shown` in what edits were shown.
    Over questions with edits and known paragraphs; standard errors are by question.
    """
    counts: list[tuple[int, int, int]] = []
    for question, result in pairs:
        golds = [_squeezed(p.text) for p in question.paragraphs if p.title in question.support]
        if not golds or not result.edits:
            continue
        found = [
            _squeezed(piece.text) for e in result.edits for f in e.found for piece in f.evidence
        ]
        shown = [
            _squeezed(edit.found[i].evidence[j].text) for edit in result.edits for i, j in edit.used
        ]
        counts.append((_included(golds, found), _included(golds, shown), len(golds)))
    if not counts:
        return {}
    sizes = [size for *_, size in counts]
    return {
        "inclusion/found": Metric.of(ratio_of_sums([found for found, *_ in counts], sizes)),
        "inclusion/shown": Metric.of(ratio_of_sums([shown for _, shown, _ in counts], sizes)),
    }


def problems(results: Sequence[Result]) -> Mapping[str, int]:
    """Everything that went wrong or was left out, counted by reason, the most frequent first.

    Abstentions; samples that state no answer; steps kept as they were, by reason; sources that gave
    no answer; queries that failed; pieces that read like orders and were shown to no model.
    """
    counts: Counter[str] = Counter()
    for result in results:
        counts["no answer in the end"] += not result.answer
        counts["samples without an answer"] += sum(not c.states for c in result.samples)
        for edit in result.edits:
            if edit.reason:
                what = "edited" if edit.changed else "kept"
                counts[f"step {what}: {edit.reason.split(':')[0]}"] += 1
            for found in edit.found:
                if found.failure:
                    counts[f"{found.source} gave no answer: {found.failure}"] += 1
                elif not found.evidence:
                    counts[f"{found.source} found nothing"] += 1
                counts[f"{found.source}: pieces that read like orders"] += sum(
                    bool(piece.suspicious) for piece in found.evidence
                )
                counts[f"{found.source}: queries that failed"] += sum(
                    attempt.outcome not in ("found", "empty") for attempt in found.attempts
                )
    return dict(sorted((+counts).items(), key=lambda pair: (-pair[1], pair[0])))


def _included(golds: Sequence[str], pieces: Sequence[str]) -> int:
    return sum(any(piece in gold or gold in piece for piece in pieces if piece) for gold in golds)


def _squeezed(text: str) -> str:
    return "".join(text.split())
