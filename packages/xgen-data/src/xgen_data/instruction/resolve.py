"""Which examples to leave out because of an inconsistency, for those who want a machine to decide.

Only what is plain is acted upon: equal or merely reworded inputs with contradicting labels or short
answers, and labels that a telling classifier (`LabelNoise.is_telling`) speaks against. Of
contradicting answers the one with most examples behind it stays; where none has most, all go. Near
inputs and open answers stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xgen_core import Example
from xgen_data.instruction.conflicts import Conflict
from xgen_data.instruction.noise import LabelNoise
from xgen_data.instruction.parts import answer_text, input_text, normalise

__all__ = ["suspects"]


def suspects(
    examples: Sequence[Example],
    conflicts: Sequence[Conflict],
    noise: Sequence[LabelNoise],
    labels: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Reasons by the id of the example to leave out.

    Args:
        examples: what the findings are about; ids are distinct.
        conflicts: by `find_conflicts`.
        noise: by `find_label_noise`.
        labels: what `find_conflicts` compared instead of answers.
    """
    alike: dict[tuple[str, str, str], list[str]] = {}
    keys: dict[str, tuple[str, str, str]] = {}
    for example in examples:
        answer = (labels or {}).get(example.id, answer_text(example))
        key = (example.task, normalise(input_text(example)), normalise(answer))
        keys[example.id] = key
        alike.setdefault(key, []).append(example.id)
    reasons: dict[str, str] = {}
    for conflict in conflicts:
        if conflict.kind == "near" or conflict.answers == "open":
            continue
        if conflict.left_votes == conflict.right_votes:
            losers, reason = [conflict.left, conflict.right], "contradicted by as many examples"
        else:
            fewer = conflict.left_votes < conflict.right_votes
            losers = [conflict.left if fewer else conflict.right]
            reason = "contradicted by more examples"
        for loser in losers:
            for identity in alike[keys[loser]]:
                reasons.setdefault(identity, reason)
    for found in noise:
        for issue in found.issues if found.is_telling else ():
            reasons.setdefault(issue.id, "label is unlikely")
    return reasons
