"""Any xgen model in lm-evaluation-harness, so that any of its tasks runs on it (`[lm-eval]`).

    from xgen_eval.adapters.lm_eval import XgenLM
    with XgenLM.open("local:runs/base/checkpoints") as model:
        lm_eval.simple_evaluate(model=model, tasks=["lambada_openai"])

The harness hands over strings, and the model makes tokens of them: where a token spans context and
continuation is settled there, as for our own tasks. What the harness shards over devices stays one
process here; the model uses its devices itself.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, cast

from xgen_core import (
    CapabilityError,
    GenerationRequest,
    InputError,
    MissingExtraError,
    Model,
    ScoreRequest,
    ScoringModel,
    open_model,
)
from xgen_core.progress import Progress
from xgen_eval.scoring import score_all

try:
    from lm_eval.api.model import LM  # pyright: ignore[reportMissingImports]
except ImportError:
    raise MissingExtraError("the lm-eval adapter", "xgen-eval[lm-eval]") from None

__all__ = ["XgenLM"]

T = TypeVar("T")

_LIMITS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
"""Names that tasks have for the longest answer; the first one given counts."""


class Instance(Protocol):
    """What the harness hands over: (context, continuation), (text,) or (prompt, settings)."""

    @property
    def args(self) -> tuple[Any, ...]:
        """Of the request."""
        ...


class XgenLM(LM):
    """An xgen model as lm-eval's `LM`; close it, or use it in a `with` statement.

    Its event loop runs in a thread of its own, since the harness calls from ordinary code.

    Args:
        model: not entered yet; this does.
        concurrency: answers in flight at once.
    """

    def __init__(self, model: Model, *, concurrency: int = 64) -> None:
        super().__init__()
        self.model = model
        self._concurrency = concurrency
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="xgen-lm-eval", daemon=True
        )
        self._thread.start()
        try:
            self._wait(model.__aenter__())
        except BaseException:
            self._stop()
            raise

    @classmethod
    def open(cls, uri: str, *, concurrency: int = 64) -> XgenLM:
        """A model by its URI, `local:DIR` say.

        Raises:
            PluginError: no installed package knows the scheme.
            InputError: what the URI names is not there.
        """
        return cls(open_model(uri), concurrency=concurrency)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the model; closing again does nothing."""
        if self._thread.is_alive():
            try:
                self._wait(self.model.__aexit__(None, None, None))
            finally:
                self._stop()

    def get_model_info(self) -> dict[str, str | None]:
        """What the harness files its results under."""
        info = self.model.info
        return {"xgen_model": info.identity, "xgen_tokenizer": info.tokenizer}

    def loglikelihood(self, requests: Sequence[Instance]) -> list[tuple[float, bool]]:
        """Log-probability of each continuation, and whether it is the model's first choice.

        An empty continuation is certain: there is nothing to be surprised by.

        Raises:
            CapabilityError: the model does not score.
        """
        asked = [
            ScoreRequest(context=context, continuation=continuation)
            for context, continuation in (request.args for request in requests)
            if continuation
        ]
        scores = iter(self._scores("loglikelihood", asked))
        found: list[tuple[float, bool]] = []
        for request in requests:
            answer = (0.0, True)
            if request.args[1]:
                score = next(scores)
                answer = (score.logprob, score.is_greedy)
            self.cache_hook.add_partial("loglikelihood", request.args, answer)
            found.append(answer)
        return found

    def loglikelihood_rolling(self, requests: Sequence[Instance]) -> list[float]:
        """Log-probability of each text, in disjoint windows of the model's context.

        Raises:
            CapabilityError: the model does not score.
        """
        texts = [text for (text,) in (request.args for request in requests)]
        asked = [ScoreRequest(context="", continuation=text) for text in texts if text]
        scores = iter(self._scores("loglikelihood_rolling", asked))
        found: list[float] = []
        for request, text in zip(requests, texts, strict=True):
            answer = next(scores).logprob if text else 0.0
            self.cache_hook.add_partial("loglikelihood_rolling", request.args, answer)
            found.append(answer)
        return found

    def generate_until(self, requests: Sequence[Instance]) -> list[str]:
        """An answer to each prompt; a prompt asked for again gets the next seed.

        Raises:
            InputError: a setting of the task that the model has no counterpart for.
        """
        seen: Counter[str] = Counter()
        asked: list[GenerationRequest] = []
        for prompt, settings in (request.args for request in requests):
            asked.append(_generation(prompt, settings, seed=seen[prompt]))
            seen[prompt] += 1
        found = self._wait(self._answers(asked))
        for request, text in zip(requests, found, strict=True):
            self.cache_hook.add_partial("generate_until", request.args, text)
        return found

    def _scores(self, label: str, asked: Sequence[ScoreRequest]) -> Any:
        if not isinstance(self.model, ScoringModel):
            raise CapabilityError(
                f"{self.model.info.identity} gives no log-probabilities, which this task asks for; "
                "use a model such as local:DIR"
            )
        with Progress(label) as progress:
            progress.total, progress.unit = len(asked), "requests"
            return self._wait(score_all(self.model, asked, progress))

    async def _answers(self, asked: Sequence[GenerationRequest]) -> list[str]:
        gate = asyncio.Semaphore(self._concurrency)
        with Progress("generate_until") as progress:
            progress.total, progress.unit = len(asked), "answers"

            async def one(request: GenerationRequest) -> str:
                async with gate:
                    (completion,) = await self.model.generate(request)
                progress.advance()
                return completion.text

            return list(await asyncio.gather(*map(one, asked)))

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _generation(prompt: str, settings: Mapping[str, Any], *, seed: int) -> GenerationRequest:
    """A task's generation settings as a request.

    Raises:
        InputError: one of them has no counterpart.
    """
    known = {"until", "do_sample", "temperature", "top_p", "top_k", "repetition_penalty", *_LIMITS}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise InputError(
            f"a task of lm-eval sets {', '.join(unknown)}, which xgen models do not take; they "
            f"take {', '.join(sorted(known))}"
        )
    until = settings.get("until") or []
    stop = [until] if isinstance(until, str) else cast("Sequence[str]", until)
    temperature = float(settings.get("temperature") or 0.0)
    limits = [settings[name] for name in _LIMITS if settings.get(name) is not None]
    try:
        return GenerationRequest(
            prompt=prompt,
            max_tokens=int(limits[0]) if limits else 256,
            temperature=0.0 if settings.get("do_sample") is False else temperature,
            top_p=float(settings.get("top_p") or 1.0),
            top_k=int(settings.get("top_k") or 0),
            repetition_penalty=float(settings.get("repetition_penalty") or 1.0),
            seed=seed,
            stop=tuple(s for s in stop if s),
        )
    except ValueError as error:
        raise InputError(f"settings of a task of lm-eval: {error}") from error
