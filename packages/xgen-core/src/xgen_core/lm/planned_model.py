"""`planned(model)`: a model that is asked nothing, and counts what it would be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.budget import Prices, Usage, prompt_bytes, worst_case
from xgen_core.lm.calls import CallStore
from xgen_core.lm.recorded_call import Request, call_key, canonical, single_requests
from xgen_core.protocols import Model, ScoringModel
from xgen_core.records import Completion, GenerationRequest, ModelInfo, Score, ScoreRequest

__all__ = ["Plan", "PlannedModel", "PlannedScoringModel", "planned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What requests of one kind would take; equal ones count once.

    Attributes:
        known: requests that a store answers.
        prompt_bytes: UTF-8 bytes to read for the others.
        worst: their calls and tokens at most.
    """

    known: int = 0
    prompt_bytes: int = 0
    worst: Usage = field(default_factory=Usage)


def planned(model: Model, store: CallStore | None = None) -> PlannedModel:
    """Put a counter in a model's place, for a dry run.

    A completion is made up, as long as it may get, so that a request that contains an earlier
    answer counts it; a score is made up too. Neither is recorded.

    Args:
        model: whose place it takes; it is not even opened.
        store: answers what it knows, really.

    Returns:
        A `ScoringModel` where `model` is one.
    """
    if isinstance(model, ScoringModel):
        return PlannedScoringModel(model.info, store)
    return PlannedModel(model.info, store)


class PlannedModel(AlwaysOpen):
    """A model that counts; see `planned`.

    Attributes:
        generate_plan: completions asked for so far.
        score_plan: scores asked for so far.
    """

    def __init__(self, info: ModelInfo, store: CallStore | None = None) -> None:
        self._info = info
        self._store = store
        self._seen: set[bytes] = set()
        self.generate_plan = Plan()
        self.score_plan = Plan()

    @property
    def info(self) -> ModelInfo:
        """Of the model whose place it takes."""
        return self._info

    def cost(self, prices: Prices) -> float:
        """What everything would cost at most."""
        return prices.cost(self.generate_plan.worst + self.score_plan.worst)

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """Count, and make completions up that are as long as they may get."""
        completions: list[Completion] = []
        for single in single_requests(request):
            key = call_key(self._info, canonical(single))
            known = self._store.find(key) if self._store else None
            self.generate_plan = self._counted(self.generate_plan, single, key, known is not None)
            completions.append(
                known
                if isinstance(known, Completion)
                else Completion(
                    text="x " * request.max_tokens,
                    finish_reason="length",
                    completion_tokens=request.max_tokens,
                )
            )
        return completions

    def _counted(self, plan: Plan, request: Request, key: bytes, known: bool) -> Plan:
        if key in self._seen:
            return plan
        self._seen.add(key)
        if known:
            return Plan(known=plan.known + 1, prompt_bytes=plan.prompt_bytes, worst=plan.worst)
        return Plan(
            known=plan.known,
            prompt_bytes=plan.prompt_bytes + prompt_bytes(request),
            worst=plan.worst + worst_case(request),
        )


class PlannedScoringModel(PlannedModel):
    """Likewise, for a model that scores."""

    async def score(self, requests: Sequence[ScoreRequest]) -> Sequence[Score]:
        """Count, and make scores up: one token each, of one nat."""
        scores: list[Score] = []
        for request in requests:
            key = call_key(self._info, canonical(request))
            known = self._store.find(key) if self._store else None
            self.score_plan = self._counted(self.score_plan, request, key, known is not None)
            size = len(request.continuation.encode("utf-8", errors="replace"))
            made_up = Score(token_logprobs=(-1.0,), byte_lengths=(size,), is_greedy=False)
            scores.append(known if isinstance(known, Score) else made_up)
        return scores
