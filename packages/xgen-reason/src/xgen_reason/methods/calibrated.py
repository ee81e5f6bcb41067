"""Self-consistency whose confidence is calibrated on labelled questions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from xgen_core import CapabilityError, InputError
from xgen_eval.metrics import exact_match
from xgen_reason.chain import Chain
from xgen_reason.methods.calibration import chain_features, fit_logistic, validness
from xgen_reason.methods.sampling import Sampling
from xgen_reason.methods.self_consistency import majority
from xgen_reason.question import Question
from xgen_reason.result import Result
from xgen_reason.tools import Tools

__all__ = ["CalibratedSelfConsistency"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedSelfConsistency:
    """The majority of sampled chains; its confidence is the probability that it is right.

    That changes the order of answers by confidence, and so the area under the accuracy-coverage
    curve; it changes no answer. Fit it on questions that are not evaluated: the authors take 58.

    Attributes:
        sampling: how chains are drawn and counted; with log-probabilities.
        weights: intercept, weight of the answer's probability, weight of validness cubed, as `fit`
            finds them; None where it was not fitted.
    """

    sampling: Sampling = field(default_factory=lambda: Sampling(logprobs=True))
    weights: tuple[float, float, float] | None = None

    name: ClassVar[str] = "cot-sc-calibrated"
    needs_sources: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not self.sampling.logprobs:
            raise ValueError("sampling.logprobs: calibration needs log-probabilities")

    def fit(
        self, results: Sequence[Result], questions: Mapping[str, Question]
    ) -> CalibratedSelfConsistency:
        """Likewise, fitted on results of self-consistency over labelled questions.

        Args:
            results: made with log-probabilities; those without an answer, and those whose question
                has no gold answer, say nothing.
            questions: by id.

        Raises:
            InputError: too little to fit on.
            CapabilityError: a result has no log-probabilities.
        """
        features: list[tuple[float, float]] = []
        right: list[bool] = []
        for result in results:
            question = questions[result.id]
            found = _features(result.chain, question) if result.answer and question.golds else None
            if found is not None:
                features.append(found)
                right.append(exact_match(result.answer, question.golds) == 1)
        if len(set(right)) < 2:
            raise InputError(
                f"calibration needs answered questions with gold answers, some right and some "
                f"wrong: {sum(right)} of {len(right)} are right"
            )
        intercept, probability, support = fit_logistic(features, right)
        return replace(self, weights=(intercept, probability, support))

    async def solve(self, question: Question, tools: Tools) -> Result:
        """Answer; see `Method.solve`.

        Raises:
            CapabilityError: it was not fitted, or the model gives no log-probabilities.
        """
        if self.weights is None:
            raise CapabilityError(
                "cot-sc-calibrated is not fitted: run cot-sc on labelled questions, fit, and give "
                "--set weights=INTERCEPT,PROBABILITY,VALIDNESS"
            )
        drawn = await self.sampling.draw(question, tools)
        result = majority(self.name, question, tools, drawn)
        features = _features(result.chain, question) if drawn.votes else None
        if features is None:
            return result
        intercept, first, second = self.weights
        probability, support = features
        z = intercept + first * probability + second * support
        return replace(
            result,
            confidence=1 / (1 + math.exp(-z)) if z > -700 else 0.0,
            details={**result.details, "validness": validness(result.chain, question)},
        )


def _features(chain: Chain, question: Question) -> tuple[float, float] | None:
    """None where the answer cannot be found among its tokens; it has no confidence, either."""
    if chain.logprob is None:
        raise CapabilityError("cot-sc-calibrated needs log-probabilities, and the model gives none")
    return None if chain.answer_logprob is None else chain_features(chain, question)
