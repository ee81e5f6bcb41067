"""What every `Model`, and every `ScoringModel`, must do, as one coroutine of plain asserts."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence

from xgen_core.protocols import Model, ScoringModel
from xgen_core.records import Completion, GenerationRequest, Message, Score, ScoreRequest

__all__ = ["check_model"]

_PROMPTS = ("The weather today is", "def mean(xs):\n    ", "你好 ", "Once upon a time there")
_PAIRS = (
    ("The cat sat on the", " mat."),
    ("", "A text without a context is scored in windows."),
    ("2 + 2 =", " 4"),
    ("def f(x):\n", "    return x\n"),
    ("Grüezi: ", "你好，世界 😀"),
    ("The cat sat on the", " mat and looked at the other cat, which did not look back."),
)
_ROLLING = "the cat sat on the mat, and then it went home to sleep. " * 3


async def check_model(
    model_factory: Callable[[], Model],
    *,
    scoring: bool,
    chat: bool = False,
    tolerance: float = 0.0,
) -> None:
    """Assert that a model keeps the contract of `xgen_core.protocols`.

    The model must answer any prompt and be able to answer with eight tokens or more.

    Args:
        model_factory: opens a fresh model each time it is called.
        scoring: examine `score` as well.
        chat: send conversations instead of plain prompts.
        tolerance: by how much a log-probability may differ between batches; 0 for a local model,
            whose resumed runs must score identically.

    Raises:
        AssertionError: naming the promise that does not hold.
    """
    model = model_factory()
    assert isinstance(model, Model), f"{model!r} lacks part of the Model protocol"
    async with model:
        assert model.info.identity, "a model has an identity"
        assert model.info.context_length is None or model.info.context_length > 0
        await _check_samples(model, chat)
        await _check_limits(model, chat)
        await _check_concurrency(model, chat)
        if scoring:
            assert isinstance(model, ScoringModel), f"{model!r} cannot score"
            await _check_scores(model, tolerance)
            await _check_rolling(model, tolerance)
        first = await model.generate(_request(_PROMPTS[0], chat, temperature=1.0, seed=3))
    async with model_factory() as again:
        assert again.info == model.info, "two openings of one model differ in info"
        second = await again.generate(_request(_PROMPTS[0], chat, temperature=1.0, seed=3))
        assert first == second, "two openings of one model answer differently"


def _request(
    prompt: str,
    chat: bool,
    *,
    temperature: float = 0.0,
    n: int = 1,
    seed: int = 0,
    max_tokens: int = 8,
    stop: tuple[str, ...] = (),
) -> GenerationRequest:
    return GenerationRequest(
        prompt=None if chat else prompt,
        messages=(Message(role="user", content=prompt),) if chat else (),
        temperature=temperature,
        n=n,
        seed=seed,
        max_tokens=max_tokens,
        stop=stop,
    )


async def _check_samples(model: Model, chat: bool) -> None:
    for prompt in _PROMPTS:
        greedy = _request(prompt, chat)
        one = await model.generate(greedy)
        assert len(one) == 1, f"n=1 gave {len(one)} completions"
        assert await model.generate(greedy) == one, f"greedy answers to {prompt!r} differ"
    prompt = _PROMPTS[0]
    four = await model.generate(_request(prompt, chat, temperature=1.0, n=4, seed=7))
    assert len(four) == 4, f"n=4 gave {len(four)} completions"
    two = await model.generate(_request(prompt, chat, temperature=1.0, n=2, seed=7))
    assert two == four[:2], "n=2 is not the beginning of n=4 with the same seed"
    for i in range(4):
        single = await model.generate(_request(prompt, chat, temperature=1.0, seed=7 + i))
        assert single == [four[i]], f"sample {i} of seed 7 is not sample 0 of seed {7 + i}"


async def _check_limits(model: Model, chat: bool) -> None:
    for most in (1, 3, 8):
        request = _request(_PROMPTS[0], chat, temperature=1.0, n=3, max_tokens=most)
        for answer in await model.generate(request):
            assert answer.completion_tokens <= most, (
                f"{answer.completion_tokens} tokens, but max_tokens was {most}"
            )
            assert answer.prompt_tokens >= 0
            assert answer.finish_reason in ("stop", "length")
    free, seed = await _long_answer(model, chat)
    middle = next(c for c in free.text[1:] if c.strip() and c != "\ufffd" and c != free.text[0])
    request = _request(
        _PROMPTS[0], chat, temperature=1.0, seed=seed, stop=(middle, "never in an answer")
    )
    (stopped,) = await model.generate(request)
    wanted = free.text[: free.text.index(middle)]
    assert stopped.text == wanted, (
        f"stop {middle!r} in {free.text!r} should leave {wanted!r}, got {stopped.text!r}"
    )
    assert stopped.finish_reason == "stop", "a stop string ends an answer with 'stop'"


async def _long_answer(model: Model, chat: bool) -> tuple[Completion, int]:
    """An answer with two different visible characters, to stop inside of."""
    for seed in range(32):
        (answer,) = await model.generate(_request(_PROMPTS[0], chat, temperature=1.0, seed=seed))
        usable = [c for c in answer.text[1:] if c.strip() and c != "\ufffd"]
        if any(c != answer.text[0] for c in usable):
            return answer, seed
    raise AssertionError("none of 32 samples has two different visible characters")


async def _check_concurrency(model: Model, chat: bool) -> None:
    requests = [_request(p, chat, temperature=1.0, n=2, seed=5) for p in _PROMPTS]
    alone = [await model.generate(r) for r in requests]
    together = await asyncio.gather(*(model.generate(r) for r in requests))
    assert list(together) == alone, "answers depend on what else the model was doing"


async def _check_scores(model: ScoringModel, tolerance: float) -> None:
    requests = [ScoreRequest(context=c, continuation=t) for c, t in _PAIRS]
    scores = await model.score(requests)
    assert len(scores) == len(requests), f"{len(requests)} requests, {len(scores)} scores"
    for request, score in zip(requests, scores, strict=True):
        _check_score(request, score)
    _same(scores, await model.score(requests), tolerance, "two calls")
    backwards = await model.score(requests[::-1])
    _same(scores, backwards[::-1], tolerance, "another order of requests")
    alone = [(await model.score([request]))[0] for request in requests]
    _same(scores, alone, tolerance, "another batch")
    assert len(await model.score([])) == 0, "no requests have no scores"


def _check_score(request: ScoreRequest, score: Score) -> None:
    what = f"{request.continuation!r:.60} after {request.context!r:.40}"
    assert len(score.token_logprobs) == len(score.byte_lengths) >= 1, f"{what}: lengths differ"
    assert all(math.isfinite(p) and p <= 0 for p in score.token_logprobs), (
        f"{what}: log-probabilities must be finite and at most 0: {score.token_logprobs!r:.120}"
    )
    assert type(score.is_greedy) is bool, f"{what}: is_greedy is a {type(score.is_greedy).__name__}"
    size = len(request.continuation.encode("utf-8"))
    assert sum(score.byte_lengths) == size, (
        f"{what}: byte_lengths sum to {sum(score.byte_lengths)}, the text has {size} bytes"
    )


async def _check_rolling(model: ScoringModel, tolerance: float) -> None:
    disjoint, sliding, whole = (
        ScoreRequest(context="", continuation=_ROLLING, window=16, stride=16),
        ScoreRequest(context="", continuation=_ROLLING, window=16, stride=4),
        ScoreRequest(context="", continuation=_ROLLING),
    )
    scores = await model.score([disjoint, sliding, whole])
    for request, score in zip((disjoint, sliding, whole), scores, strict=True):
        _check_score(request, score)
        assert score.byte_lengths == scores[0].byte_lengths, (
            f"window {request.window}, stride {request.stride}: a token is missing or scored twice"
        )
    first = slice(0, 15)  # one less than the window, which may hold a BOS
    for a, b in zip(scores[0].token_logprobs[first], scores[1].token_logprobs[first], strict=True):
        assert abs(a - b) <= max(tolerance, 1e-4), "the first window's scores depend on the stride"


def _same(left: Sequence[Score], right: Sequence[Score], tolerance: float, what: str) -> None:
    for a, b in zip(left, right, strict=True):
        assert a.byte_lengths == b.byte_lengths, f"{what}: other tokens"
        worst = max(abs(x - y) for x, y in zip(a.token_logprobs, b.token_logprobs, strict=True))
        assert worst <= tolerance, f"{what}: a log-probability differs by {worst:.3g}"
        if not tolerance:
            assert a.is_greedy == b.is_greedy, f"{what}: is_greedy differs"
