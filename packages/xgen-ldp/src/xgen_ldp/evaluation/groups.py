"""Means over the languages of a group, as LDP's tables have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from xgen_ldp.evaluation.comparison import compare, corrected
from xgen_ldp.evaluation.measured import Measured
from xgen_ldp.evaluation.scores import Comparison, GroupMean, Kind, group_title
from xgen_ldp.languages import ENGLISH, language_group
from xgen_ldp.line import Direction

__all__ = ["GROUPS", "group_comparisons", "group_means"]

GROUPS = ("indic13", "afri21")
_KINDS: tuple[Kind, ...] = ("into-english", "from-english")
_FEWEST = 2

_Scores = Mapping[tuple[Direction, str], Mapping[str, Measured]]


def group_means(measured: _Scores) -> tuple[GroupMean, ...]:
    """Means of each system over the languages that it has of a group, if those are two or more."""
    found: list[GroupMean] = []
    for group, kind, system, scores in _groups(measured):
        means = {metric: _mean(list(of.values())) for metric, of in _by_metric(scores).items()}
        figures = {metric: mean.figure for metric, mean in means.items() if mean is not None}
        found.append(
            GroupMean(
                group=group,
                kind=kind,
                system=system,
                present=tuple(scores),
                of=len(language_group(group)),
                figures=figures,
            )
        )
    return tuple(found)


def group_comparisons(measured: _Scores) -> tuple[Comparison, ...]:
    """Differences of those means between a group's first system and each other.

    Of the languages that both have, if those are two or more.
    """
    first: dict[tuple[str, Kind], tuple[str, Mapping[str, Mapping[str, Measured]]]] = {}
    found: list[Comparison] = []
    for group, kind, system, scores in _groups(measured):
        usual, theirs = first.setdefault((group, kind), (system, scores))
        both = [code for code in theirs if code in scores]
        if usual == system or len(both) < _FEWEST:
            continue
        a = _by_metric({code: theirs[code] for code in both})
        b = _by_metric({code: scores[code] for code in both})
        for metric in a:
            means = _mean(list(a[metric].values())), _mean(list(b[metric].values()))
            if means[0] is not None and means[1] is not None:
                where = f"{group_title(group, kind)}, mean of {len(both)} languages"
                names = usual, system
                found.append(compare(*means, names=names, metric=metric, where=where))
    return corrected(found)


def _groups(
    measured: _Scores,
) -> list[tuple[str, Kind, str, dict[str, Mapping[str, Measured]]]]:
    """Group, kind, system, and its scores by code of the language that is not English."""
    found: list[tuple[str, Kind, str, dict[str, Mapping[str, Measured]]]] = []
    systems = list(dict.fromkeys(system for _, system in measured))
    for group in GROUPS:
        codes = {language.code for language in language_group(group)}
        for kind in _KINDS:
            for system in systems:
                scores = {
                    _other(direction): scores
                    for (direction, whose), scores in measured.items()
                    if whose == system
                    and direction.kind == kind
                    and _other(direction) in codes
                    and scores
                }
                if len(scores) >= _FEWEST:
                    found.append((group, kind, system, scores))
    return found


def _other(direction: Direction) -> str:
    return (direction.source if direction.target == ENGLISH else direction.target).code


def _by_metric(scores: Mapping[str, Mapping[str, Measured]]) -> dict[str, dict[str, Measured]]:
    metrics = list(dict.fromkeys(metric for of in scores.values() for metric in of))
    return {metric: {code: of[metric] for code, of in scores.items()} for metric in metrics}


def _mean(scores: Sequence[Measured]) -> Measured | None:
    """None where they have several signatures, which are never merged."""
    if len({score.signature for score in scores}) > 1:
        return None
    return Measured(
        value=float(np.mean([score.value for score in scores])),
        signature=scores[0].signature,
        resamples=np.mean([score.resamples for score in scores], axis=0),
        lines=min(score.lines for score in scores),
    )
