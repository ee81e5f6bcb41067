"""Scores of translations: chrF++, BLEU and spBLEU, compared on the same lines, beside published."""

from xgen_ldp.evaluation.scores import (
    METRICS,
    Comparison,
    Figure,
    GroupMean,
    RunScores,
    Scored,
    Scoring,
)
from xgen_ldp.evaluation.scoring import Outcomes, score_run
from xgen_ldp.evaluation.sections import score_sections

__all__ = [
    "METRICS",
    "Comparison",
    "Figure",
    "GroupMean",
    "Outcomes",
    "RunScores",
    "Scored",
    "Scoring",
    "score_run",
    "score_sections",
]
