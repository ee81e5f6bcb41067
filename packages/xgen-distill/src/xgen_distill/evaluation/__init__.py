"""What a student's samples are worth: pass@k by step, on clean tasks too, beside the published.

scores     figures of every step, and what the step changed
results    an evaluation in figures, as `results.json` says it
run        the evaluation itself: a directory that is taken up where it was left
planning   what it would ask
published  the table of the paper
tables     several students beside each other and beside that
sections   what the report page shows
"""

from xgen_distill.evaluation.published import PublishedScores, published_scores
from xgen_distill.evaluation.results import EvaluationResults, read_evaluation
from xgen_distill.evaluation.scores import StepScores, score_steps

__all__ = [
    "EvaluationResults",
    "PublishedScores",
    "StepScores",
    "published_scores",
    "read_evaluation",
    "score_steps",
]
