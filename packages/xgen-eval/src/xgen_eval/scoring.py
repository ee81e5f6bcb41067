"""The one way in which tasks ask a model for scores, and what a score must satisfy."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xgen_core import InputError, ModelError, ModelInfo, Score, ScoreRequest, ScoringModel
from xgen_core.progress import Progress

__all__ = ["rolling", "score_all", "window_length"]

_BATCH = 32
"""Requests in one call: enough to fill a model's batch, few enough to show progress."""


async def score_all(
    model: ScoringModel, requests: Sequence[ScoreRequest], progress: Progress
) -> list[Score]:
    """Scores of all requests, in order.

    Raises:
        ModelError: another number of scores than requests, or a log-probability that is not a
            number from -infinity (exclusive) to 0 (a little above is rounding).
    """
    scores: list[Score] = []
    for start in range(0, len(requests), _BATCH):
        batch = requests[start : start + _BATCH]
        answers = await model.score(batch)
        if len(answers) != len(batch):
            raise ModelError(f"asked for {len(batch)} scores, the model gave {len(answers)}")
        for request, answer in zip(batch, answers, strict=True):
            bad = [x for x in answer.token_logprobs if not (math.isfinite(x) and x < 1e-3)]
            if bad:
                raise ModelError(
                    f"the model gave log-probability {bad[0]} to a token of "
                    f"{request.continuation[:40]!r}; expected a finite number not above 0"
                )
        scores.extend(answers)
        progress.advance(len(batch))
    return scores


async def rolling(
    model: ScoringModel, texts: Sequence[str], progress: Progress, *, window: int, stride: int
) -> list[Score]:
    """Scores of whole texts in windows; every byte of a text is covered.

    Raises:
        ModelError: as `score_all`, or tokens that do not cover the text.
    """
    requests = [
        ScoreRequest(context="", continuation=text, window=window, stride=stride) for text in texts
    ]
    scores = await score_all(model, requests, progress)
    for text, score in zip(texts, scores, strict=True):
        expected, covered = len(text.encode("utf-8")), sum(score.byte_lengths)
        if covered != expected:
            raise ModelError(
                f"the model scored {covered} of the {expected} bytes of {text[:40]!r}; a rolling "
                "score covers every token once, the first one included"
            )
    return scores


def window_length(info: ModelInfo, asked: int | None) -> int:
    """The window to score with: what was asked for, or the model's context length.

    Raises:
        InputError: neither is known, or the window exceeds the model's context.
    """
    if asked is None:
        if info.context_length is None:
            raise InputError(
                f"{info.identity} does not say how long its context is: set a window in tokens "
                "(--window 2048)"
            )
        return info.context_length
    if info.context_length is not None and asked > info.context_length:
        raise InputError(
            f"a window of {asked} tokens exceeds the model's context of {info.context_length}"
        )
    return asked
