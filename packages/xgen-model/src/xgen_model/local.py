"""`local:DIR`: a checkpoint on this machine as a model that generates and scores.

DIR is a checkpoint (its latest step is taken), one step of it, a run directory that has a
`checkpoints/`, or a Hugging Face model directory with a `tokenizer.json`. All jax work happens on
one thread, `xgen_model.engine.owner`; requests made at the same time share its passes, and no
answer depends on which.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import jax.numpy as jnp
import numpy as np

from xgen_core.errors import CapabilityError, InputError, XgenError
from xgen_core.protocols import Tokenizer
from xgen_core.records import (
    ChatTemplate,
    Completion,
    GenerationRequest,
    ModelInfo,
    Score,
    ScoreRequest,
    TokenLogprob,
)
from xgen_model.config import ModelConfig
from xgen_model.engine.answer import Answer, token_logprob
from xgen_model.engine.batch import ROWS, Batch
from xgen_model.engine.cache import bucket
from xgen_model.engine.likelihood import whole
from xgen_model.engine.owner import Generation, Owner
from xgen_model.engine.sample import ALTERNATIVES, Sampling
from xgen_model.engine.score import Found, Window, score_windows, to_score, windows
from xgen_model.engine.weights import load, prepare
from xgen_model.model import Params
from xgen_model.parameters import ParameterReader
from xgen_model.source import open_source

__all__ = ["LocalModel", "open_local"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """Ids whose log-probabilities are wanted, with `top` alternatives each."""

    ids: tuple[int, ...]
    top: int


_Job = tuple[ScoreRequest, ...] | _Reading
_Result = list[Score] | list[TokenLogprob | None]
_Results = list[tuple[int, _Result | Exception]]


class LocalModel:
    """A decoder with its tokenizer; use it inside `async with`.

    Args:
        config: of the parameters.
        params: the weights, or a reader of them; they are copied, laid out for reading.
        tokenizer: whose ids the weights were trained on.
        identity: what results are filed under.
        template: how a conversation becomes text; without one only `prompt` requests are answered.
        rows: texts that are generated at one time. Another number may round differently.
    """

    def __init__(
        self,
        config: ModelConfig,
        params: Params | ParameterReader,
        tokenizer: Tokenizer,
        *,
        identity: str,
        template: ChatTemplate | None = None,
        rows: int = ROWS,
    ) -> None:
        if tokenizer.vocab_size > config.vocab_size:
            raise InputError(
                f"the tokenizer has {tokenizer.vocab_size} ids and the model's head "
                f"{config.vocab_size} rows: they do not belong together"
            )
        if tokenizer.vocab_size != config.n_tokens:
            raise InputError(
                f"the tokenizer has {tokenizer.vocab_size} ids and the model {config.n_tokens}: "
                "they do not belong together"
            )
        if config.soft_prompt >= config.context_length:
            raise InputError(
                f"a soft prompt of {config.soft_prompt} tokens fills the context of "
                f"{config.context_length}"
            )
        self.config = config
        self.tokenizer = tokenizer
        self.template = template
        self._weights = prepare(config, params) if isinstance(params, dict) else load(params)
        self._virtual = tuple(range(config.vocab_size, config.vocab_size + config.soft_prompt))
        self._room = config.context_length - config.soft_prompt
        self._info = ModelInfo(
            identity=identity,
            context_length=config.context_length,
            tokenizer=tokenizer.fingerprint,
            dtype=config.dtype,
        )
        batch = Batch(config, self._weights, eos_id=tokenizer.eos_id, rows=rows)
        self._owner: Owner[_Job, _Result] = Owner(batch, self._compute, "xgen-local-model")

    @property
    def info(self) -> ModelInfo:
        """Identity, context length, the tokenizer's fingerprint, and the dtype of layers."""
        return self._info

    async def __aenter__(self) -> Self:
        self._owner.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._owner.stop()

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """`request.n` completions; where the context ends first, they are shorter than asked.

        Raises:
            InputError: the prompt fills the context, or more alternatives than there are.
            CapabilityError: a conversation, but the model has no chat template.
        """
        return await self.complete(self.prompt_ids(request), request)

    async def stream(
        self, request: GenerationRequest, on_text: Callable[[int, str], None]
    ) -> list[Completion]:
        """Like `generate`, and tell what is written as it is written.

        Args:
            request: what to continue.
            on_text: called on this event loop with a sample's index and the text added to it; never
                half a character, nor anything that may turn out to belong to a stop string. The
                texts of a sample add up to its completion's.
        """
        return await self.complete(self.prompt_ids(request), request, on_text)

    async def complete(
        self,
        ids: Sequence[int],
        request: GenerationRequest,
        on_text: Callable[[int, str], None] | None = None,
    ) -> list[Completion]:
        """Like `stream`, from a prompt of ids; the request's own prompt is not looked at.

        Raises:
            InputError: there are no ids, or ids that the model has not, or they fill the context,
                or more alternatives are asked for than are kept.
        """
        self._check_ids(ids)
        if len(ids) >= self._room:
            raise InputError(
                f"a prompt of {len(ids)} tokens leaves no room in the context of "
                f"{self._room}: shorten it"
            )
        if request.logprobs is not None:
            _check_alternatives(request.logprobs)
        stop = request.stop
        if request.messages and self.template is not None:
            stop += self.template.stop
        limit = min(request.max_tokens, self._room - len(ids))
        eos_id = self.tokenizer.eos_id
        failures: list[Exception] = []
        generation = Generation(
            ids=(*self._virtual, *ids),
            samplings=tuple(_sampling(request, index) for index in range(request.n)),
            answers=tuple(
                Answer(self.tokenizer, stop=stop, eos_id=eos_id, limit=limit)
                for _ in range(request.n)
            ),
            limit=limit,
            prompt_tokens=len(ids),
            alternatives=request.logprobs,
        )
        if on_text is not None:
            loop = asyncio.get_running_loop()

            def call(index: int, text: str) -> None:
                try:
                    if not failures:
                        on_text(index, text)
                except Exception as error:  # noqa: BLE001 - raised below, where it is awaited
                    failures.append(error)
                    generation.future.cancel()

            def tell(index: int, text: str) -> None:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(call, index, text)

            generation.tell = tell
        try:
            completions = await self._owner.generate(generation)
        except asyncio.CancelledError:
            if failures:
                raise failures[0] from None
            raise
        if failures:
            raise failures[0]
        return completions

    async def score(self, requests: Sequence[ScoreRequest]) -> Sequence[Score]:
        """One score for each request, in order, in natural logarithms.

        Raises:
            InputError: a continuation or window that does not fit in the context.
        """
        return [s for s in await self._owner.ask(tuple(requests)) if isinstance(s, Score)]

    async def read(self, ids: Sequence[int], top: int = 0) -> list[TokenLogprob | None]:
        """How likely each id is after those before it; None for the first.

        Args:
            ids: of a text.
            top: likeliest alternatives to report at each place.

        Raises:
            InputError: no ids, or such as the model has not, or too many of either.
        """
        self._check_ids(ids)
        if len(ids) > self._room:
            raise InputError(
                f"a text of {len(ids)} tokens does not fit in the context of {self._room}"
            )
        _check_alternatives(top)
        found = await self._owner.ask(_Reading(ids=tuple(ids), top=top))
        return [t for t in found if not isinstance(t, Score)]

    def prompt_ids(self, request: GenerationRequest) -> tuple[int, ...]:
        """Ids that the model reads for a request, virtual ones not among them.

        Raises:
            InputError: they leave no room in the context.
            CapabilityError: a conversation, but there is no chat template.
        """
        tokenizer = self.tokenizer
        ids = [] if tokenizer.bos_id is None else [tokenizer.bos_id]
        if request.prompt is not None:
            ids += tokenizer.encode(request.prompt)
        elif self.template is None:
            raise CapabilityError(
                "this model has no chat template: give a prompt, or a checkpoint whose tokenizer "
                "directory has one"
            )
        else:
            text, special = "", False
            for segment in self.template.render(request.messages, generate=True):
                if segment.special != special:
                    ids += tokenizer.encode(text, specials=special)
                    text, special = "", segment.special
                text += segment.text
            ids += tokenizer.encode(text, specials=special)
        ids = ids or [tokenizer.eos_id]  # what stands before a document
        if len(ids) >= self._room:
            raise InputError(
                f"a prompt of {len(ids)} tokens leaves no room in the context of "
                f"{self._room}: shorten it"
            )
        return tuple(ids)

    def _check_ids(self, ids: Sequence[int]) -> None:
        if not ids:
            raise InputError("there are no ids to read: give at least one")
        wrong = next((i for i in ids if not 0 <= i < self.config.n_tokens), None)
        if wrong is not None:
            raise InputError(
                f"id {wrong} is outside the vocabulary, 0 to {self.config.n_tokens - 1}"
            )

    def _compute(self, jobs: Sequence[_Job]) -> Iterator[_Results]:
        """On the owner's thread: scores and readings, pass by pass."""
        items: list[Window] = []
        parts: dict[int, list[tuple[ScoreRequest, list[int], slice]]] = {}
        for index, job in enumerate(jobs):
            if isinstance(job, _Reading):
                yield [(index, self._read(job))]
                continue
            try:
                found = [windows(r, self.tokenizer, self._room, self._virtual) for r in job]
            except XgenError as error:
                yield [(index, error)]
                continue
            parts[index] = []
            for request, (fresh, ids) in zip(job, found, strict=True):
                where = slice(len(items), len(items) + len(fresh))
                parts[index].append((request, ids, where))
                items += fresh
        results: list[Found | None] = [None] * len(items)
        yield self._complete(parts, results)
        for fresh in score_windows(self.config, self._weights, items):
            for number, value in fresh:
                results[number] = value
            yield self._complete(parts, results)

    def _complete(
        self,
        parts: dict[int, list[tuple[ScoreRequest, list[int], slice]]],
        results: Sequence[Found | None],
    ) -> _Results:
        """Answers to the jobs whose windows are all there; they are taken out of `parts`."""
        done: _Results = []
        for index, requests in list(parts.items()):
            scores: list[Score] = []
            for request, ids, where in requests:
                found = [f for f in results[where] if f is not None]
                if len(found) < where.stop - where.start:
                    break
                scores.append(to_score(self.tokenizer, request, ids, found))
            else:
                done.append((index, scores))
                del parts[index]
        return done

    def _read(self, job: _Reading) -> list[TokenLogprob | None]:
        ids = (*self._virtual, *job.ids)
        skipped = len(self._virtual)
        tokens = np.zeros((1, bucket(len(ids))), np.int32)
        targets = tokens.copy()
        tokens[0, : len(ids)] = ids
        targets[0, : len(ids) - 1] = ids[1:]
        arrays = (jnp.asarray(a) for a in (tokens, targets, np.asarray([len(ids)], np.int32)))
        most = min(ALTERNATIVES, self.config.vocab_size) if job.top else 0
        found = whole(self.config, self._weights, *arrays, most)
        logprob, others, likeliest = (
            np.asarray(a)[0].tolist() for a in (found.logprob, found.others, found.other_logprobs)
        )
        entries: list[TokenLogprob | None] = [None]
        for at in range(skipped, len(ids) - 1):
            top = slice(0, job.top)
            entries.append(
                token_logprob(
                    self.tokenizer, ids[at + 1], logprob[at], others[at][top], likeliest[at][top]
                )
            )
        return entries


def _sampling(request: GenerationRequest, index: int) -> Sampling:
    return Sampling(
        seed=request.seed + index,
        temperature=request.temperature,
        top_k=request.top_k,
        top_p=request.top_p,
        repetition_penalty=request.repetition_penalty,
        reports=request.logprobs is not None,
    )


def _check_alternatives(count: int) -> None:
    if not 0 <= count <= ALTERNATIVES:
        raise InputError(f"0 to {ALTERNATIVES} alternatives can be reported a token, got {count}")


def open_local(
    path: str, *, tokenizer: Tokenizer | None = None, template: ChatTemplate | None = None
) -> LocalModel:
    """Open a checkpoint or a Hugging Face directory as a model.

    Args:
        path: see `xgen_model.source.open_source`.
        tokenizer: in place of the checkpoint's own.
        template: in place of the tokenizer directory's `template.json`.

    Raises:
        InputError: no model there, or it has no tokenizer.
        FormatError: it is damaged, or its tokenizer is not the one it was made for.
    """
    source = open_source(path)
    tokenizer = source.open_tokenizer() if tokenizer is None else source.checked(tokenizer)
    source = source.fitted(tokenizer)
    source.verify()
    return LocalModel(
        source.config,
        source.parameters,
        tokenizer,
        identity=f"local:{source.identity[:32]}",
        template=template or source.template,
    )
