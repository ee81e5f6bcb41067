"""A run in figures: scores of each question, and what they come to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xgen_core.lm import Prices, Usage
from xgen_core.records import Record
from xgen_eval.grading import Graded, metrics_of
from xgen_eval.task import Metric
from xgen_reason.evaluation.accounts import (
    EditAccount,
    account,
    accounts_by,
    inclusion,
    is_flagged,
    problems,
)
from xgen_reason.evaluation.confidence import auroc, calibration_error, coverage_auc
from xgen_reason.evaluation.metrics import MAIN, score_answer
from xgen_reason.question import Question
from xgen_reason.result import Result

__all__ = ["Summary", "score", "summarise", "usage"]

_LEAST = -math.inf
_ONE_OR_ZERO = ("em", "accuracy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Record):
    """What the results of one method on one set of questions come to.

    Attributes:
        metrics: by name. Means over the scored questions (`em`, `f1`, `accuracy`, `bleu`, …), and
            the same of the answers before any edit as `NAME/first`; `auc` (accuracy-coverage, in
            percent), `auroc` and `ece` by the methods' confidence, `auc/votes` by the share of
            votes; `inclusion/…`.
        edits: what editing did.
        edits_by: the same by source and by domain.
        routes: questions by how their answer came about.
        problems: what went wrong or was left out, by reason.
        unscored: questions with a result and without golds.
        missing: ids of questions without a result; they are in no figure.
        calls, prompt_tokens, completion_tokens: asked of the model, known answers included.
        cost: of them; None where prices are not known.
    """

    metrics: Mapping[str, Metric] = field(default_factory=dict[str, Metric])
    edits: EditAccount
    edits_by: Mapping[str, EditAccount] = field(default_factory=dict[str, EditAccount])
    routes: Mapping[str, int] = field(default_factory=dict[str, int])
    problems: Mapping[str, int] = field(default_factory=dict[str, int])
    unscored: int = 0
    missing: tuple[str, ...] = ()
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None


def score(question: Question, result: Result) -> dict[str, float]:
    """Scores of a result by name; see `score_answer`. Empty where no gold is known."""
    if not question.golds:
        return {}
    return {f"{name}": value for name, value in score_answer(result.answer, question).items()}


def summarise(
    questions: Sequence[Question], results: Sequence[Result], *, prices: Prices | None = None
) -> Summary:
    """The figures of a run, with standard errors and intervals where they are means.

    Args:
        questions: that were asked.
        results: of some or all of them, in any order; paired by id.
        prices: for the cost.

    Raises:
        ValueError: two results for one question, or a result for none.
    """
    by_id = {result.id: result for result in results}
    asked = {question.id for question in questions}
    if len(by_id) != len(results) or not asked >= set(by_id):
        raise ValueError("expected at most one result for each question, and none for others")
    pairs = [(question, by_id[question.id]) for question in questions if question.id in by_id]
    used = usage([result for _, result in pairs])
    return Summary(
        metrics={**_means(pairs), **_confidence(pairs), **inclusion(pairs)},
        edits=account(pairs),
        edits_by=accounts_by(pairs),
        routes=dict(sorted(Counter(result.route for _, result in pairs).items())),
        problems=problems([result for _, result in pairs]),
        unscored=sum(not question.golds for question, _ in pairs),
        missing=tuple(question.id for question in questions if question.id not in by_id),
        calls=used.calls,
        prompt_tokens=used.prompt_tokens,
        completion_tokens=used.completion_tokens,
        cost=prices.cost(used) if prices else None,
    )


def usage(results: Sequence[Result]) -> Usage:
    """What results asked of their model; each sample is a call."""
    calls = [call for result in results for call in result.calls]
    return Usage(
        calls=sum(len(call.texts) for call in calls),
        prompt_tokens=sum(call.prompt_tokens for call in calls),
        completion_tokens=sum(call.completion_tokens for call in calls),
    )


def _means(pairs: Sequence[tuple[Question, Result]]) -> dict[str, Metric]:
    after: dict[str, list[float]] = {}
    before: dict[str, list[float]] = {}
    for question, result in pairs:
        if question.golds:
            for name, value in score_answer(result.answer, question).items():
                after.setdefault(name, []).append(value)
            first = result.first if is_flagged(result) else result.answer
            for name, value in score_answer(first, question).items():
                before.setdefault(f"{name}/first", []).append(value)
    flagged = any(is_flagged(result) for _, result in pairs)
    return {name: _mean(name, v) for name, v in {**after, **(before if flagged else {})}.items()}


def _mean(name: str, values: Sequence[float]) -> Metric:
    """As every benchmark's: Wilson's interval for rates, Student's inside 0 and 1 for the rest."""
    graded = [Graded(id=f"{i}", scores={name: value}) for i, value in enumerate(values)]
    return metrics_of(graded)[name]


def _confidence(pairs: Sequence[tuple[Question, Result]]) -> dict[str, Metric]:
    """Over questions that are right or wrong; those without a confidence come last."""
    exact = [
        (score_answer(result.answer, question)[MAIN[question.kind]], result)
        for question, result in pairs
        if question.golds and MAIN[question.kind] in _ONE_OR_ZERO
    ]
    metrics: dict[str, Metric] = {}
    sure = [(right, r.confidence) for right, r in exact if r.confidence is not None]
    if sure:
        correct = [right for right, _ in exact]
        confidences = [_LEAST if r.confidence is None else r.confidence for _, r in exact]
        n = len(exact)
        metrics["auc"] = Metric(value=coverage_auc(confidences, correct), n=n, unit="%")
        ranking = auroc(confidences, correct)
        if ranking is not None:
            metrics["auroc"] = Metric(value=ranking, n=n)
        known = [c for _, c in sure]
        if max(known) <= 0:  # log-probabilities
            known = [math.exp(c) for c in known]
        if all(0 <= c <= 1 for c in known):
            error = calibration_error(known, [right for right, _ in sure])
            metrics["ece"] = Metric(value=error, n=len(sure))
    if any(r.votes for _, r in exact):
        shares = [r.votes[0].share if r.votes else 0.0 for _, r in exact]
        area = coverage_auc(shares, [right for right, _ in exact])
        metrics["auc/votes"] = Metric(value=area, n=len(exact), unit="%")
    return metrics
