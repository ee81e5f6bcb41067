"""From what came of the lines to a run's scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from xgen_core.concurrency import Failure
from xgen_core.progress import Progress
from xgen_ldp.evaluation.comparison import compare, corrected
from xgen_ldp.evaluation.groups import group_comparisons, group_means
from xgen_ldp.evaluation.measured import Measured, Measures, composed
from xgen_ldp.evaluation.scores import Comparison, RunScores, Scored, Scoring
from xgen_ldp.line import Direction, Line
from xgen_ldp.translation import Translation

__all__ = ["Outcomes", "score_run"]

Outcomes = Sequence[tuple[Line, Translation | Failure]]
"""A system's lines of one direction, in order, each with what came of it."""

_Key = tuple[Direction, str]


def score_run(
    outcomes: Mapping[tuple[Direction, str], Outcomes], scoring: Scoring | None = None
) -> RunScores:
    """Score every system in every direction, compare them, and average over groups of languages.

    Each system is compared with the first of its direction. Texts are scored in Unicode NFC and as
    one line each, as references are read.

    Args:
        outcomes: by direction and system, in the order in which they are shown. All systems of a
            direction have the same lines in the same order. A line that failed counts as an empty
            one; lines without a reference are not scored.
        scoring: how; the defaults where it is None.

    Raises:
        ValueError: no lines, or two systems of one direction with different ones.
        InputError: no such tokenizer, or no such SentencePiece file.
        MissingExtraError: what it needs is not installed.
    """
    _check(outcomes)
    measures = Measures(scoring or Scoring())
    measured: dict[_Key, dict[str, Measured]] = {}
    scored: list[Scored] = []
    with Progress("scoring", len(outcomes), unit="systems") as progress:
        for (direction, system), pairs in outcomes.items():
            of = _measure(measures, direction, pairs)
            measured[direction, system] = of
            scored.append(_scored(direction, system, pairs, of, measures))
            progress.advance()
    return RunScores(
        scoring=measures.scoring,
        spm=measures.pieces.file if measures.pieces else None,
        scored=tuple(scored),
        means=group_means(measured),
        comparisons=corrected(_comparisons(measured)),
        mean_comparisons=group_comparisons(measured),
    )


def _check(outcomes: Mapping[_Key, Outcomes]) -> None:
    lines: dict[Direction, list[Line]] = {}
    for (direction, system), pairs in outcomes.items():
        own = [line for line, _ in pairs]
        if not own or lines.setdefault(direction, own) != own:
            raise ValueError(
                f"{direction.name}, {system}: expected the lines of the direction's first system"
            )


def _measure(measures: Measures, direction: Direction, pairs: Outcomes) -> dict[str, Measured]:
    texts: list[str] = []
    references: list[str] = []
    for line, result in pairs:
        if line.reference is not None:
            texts.append(composed(result.text) if isinstance(result, Translation) else "")
            references.append(composed(line.reference))
    return measures.measure(texts, references, direction.target) if texts else {}


def _scored(
    direction: Direction,
    system: str,
    pairs: Outcomes,
    measured: Mapping[str, Measured],
    measures: Measures,
) -> Scored:
    translations = [result for _, result in pairs if isinstance(result, Translation)]
    failures = [result for _, result in pairs if isinstance(result, Failure)]
    reasons = Counter(t.last.findings[0].reason for t in translations if not t.accepted)
    note = measures.note(direction.target)
    return Scored(
        direction=direction,
        system=system,
        lines=len(pairs),
        scored=sum(line.reference is not None for line, _ in pairs),
        accepted=sum(t.accepted for t in translations),
        rejected=dict(sorted(reasons.items())),
        failed=dict(sorted(Counter(failure.kind for failure in failures).items())),
        figures={metric: of.figure for metric, of in measured.items()},
        notes=(note,) if note and measured else (),
    )


def _comparisons(measured: Mapping[_Key, Mapping[str, Measured]]) -> list[Comparison]:
    first: dict[Direction, str] = {}
    found: list[Comparison] = []
    for (direction, system), scores in measured.items():
        usual = first.setdefault(direction, system)
        if usual != system:
            found += [
                compare(
                    measured[direction, usual][metric],
                    score,
                    names=(usual, system),
                    metric=metric,
                    where=direction.name,
                )
                for metric, score in scores.items()
            ]
    return found
