"""`local:DIR`: a checkpoint on this machine as a model that generates and scores.

DIR is a checkpoint (its latest step is taken), one step of it, a run directory that has a
`checkpoints/`, or a Hugging Face model directory with a `tokenizer.json`. All jax work happens on
one thread; requests made at the same time share batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import jax.numpy as jnp

from xgen_core.errors import CapabilityError, InputError, XgenError
from xgen_core.protocols import Tokenizer
from xgen_core.records import (
    ChatTemplate,
    Completion,
    GenerationRequest,
    ModelInfo,
    Score,
    ScoreRequest,
)
from xgen_model.config import ModelConfig
from xgen_model.generation import bucket, generate
from xgen_model.model import Params
from xgen_model.owner import Owner
from xgen_model.sample import Sampling
from xgen_model.score import score_windows, to_score, windows
from xgen_model.source import open_source

__all__ = ["LocalModel", "open_local"]

_ROWS = 8
"""Samples a call generates. Always as many, so that a sample's shape is its own affair."""

_Job = GenerationRequest | tuple[ScoreRequest, ...]
_Answer = list[Completion] | list[Score]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """One completion to be made."""

    job: int
    ids: tuple[int, ...]
    request: GenerationRequest
    seed: int
    limit: int


class LocalModel:
    """A decoder with its tokenizer; use it inside `async with`.

    Args:
        config: of the parameters.
        params: the weights.
        tokenizer: whose ids the weights were trained on.
        identity: what results are filed under.
        template: how a conversation becomes text; without one only `prompt` requests are answered.
    """

    def __init__(
        self,
        config: ModelConfig,
        params: Params,
        tokenizer: Tokenizer,
        *,
        identity: str,
        template: ChatTemplate | None = None,
    ) -> None:
        if tokenizer.vocab_size != config.n_tokens:
            raise InputError(
                f"the tokenizer has {tokenizer.vocab_size} ids and the model {config.n_tokens}: "
                "they do not belong together"
            )
        self.config = config
        self.params = params
        self.tokenizer = tokenizer
        self.template = template
        self._info = ModelInfo(
            identity=identity,
            context_length=config.context_length,
            tokenizer=tokenizer.fingerprint,
        )
        self._owner: Owner[_Job, _Answer] = Owner(self._answer, "xgen-local-model")

    @property
    def info(self) -> ModelInfo:
        """Identity, context length and the tokenizer's fingerprint."""
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
            InputError: the prompt fills the context.
            CapabilityError: a conversation, but the model has no chat template.
        """
        return [c for c in await self._owner.ask(request) if isinstance(c, Completion)]

    async def score(self, requests: Sequence[ScoreRequest]) -> Sequence[Score]:
        """One score for each request, in order, in natural logarithms.

        Raises:
            InputError: a continuation or window that does not fit in the context.
        """
        return [s for s in await self._owner.ask(tuple(requests)) if isinstance(s, Score)]

    def _answer(self, jobs: Sequence[_Job]) -> list[_Answer | Exception]:
        answers: list[_Answer | Exception] = [[] for _ in jobs]
        self._score_jobs(jobs, answers)
        self._generate_jobs(jobs, answers)
        return answers

    def _score_jobs(self, jobs: Sequence[_Job], answers: list[_Answer | Exception]) -> None:
        items = []
        owners: list[tuple[int, ScoreRequest, list[int], slice]] = []
        for index, job in enumerate(jobs):
            if isinstance(job, GenerationRequest):
                continue
            try:
                found = [windows(r, self.tokenizer, self.config.context_length) for r in job]
            except XgenError as error:
                answers[index] = error
                continue
            for request, (parts, ids) in zip(job, found, strict=True):
                owners.append((index, request, ids, slice(len(items), len(items) + len(parts))))
                items += parts
        results = score_windows(self.config, self.params, items)
        scores: dict[int, list[Score]] = {}
        for index, request, ids, where in owners:
            score = to_score(self.tokenizer, request, ids, results[where])
            scores.setdefault(index, []).append(score)
        for index, found in scores.items():
            answers[index] = found

    def _generate_jobs(self, jobs: Sequence[_Job], answers: list[_Answer | Exception]) -> None:
        groups: dict[tuple[int, int, bool], list[_Sample]] = {}
        for index, job in enumerate(jobs):
            if not isinstance(job, GenerationRequest):
                continue
            try:
                ids = self.prompt_ids(job)
            except XgenError as error:
                answers[index] = error
                continue
            limit = min(job.max_tokens, self.config.context_length - len(ids))
            for i in range(job.n):
                sample = _Sample(job=index, ids=ids, request=job, seed=job.seed + i, limit=limit)
                key = (bucket(len(ids)), bucket(limit), job.temperature == 0)
                groups.setdefault(key, []).append(sample)
        for group in groups.values():
            for at in range(0, len(group), _ROWS):
                part = group[at : at + _ROWS]
                for sample, completion in zip(part, self._call(part), strict=True):
                    done = answers[sample.job]
                    if isinstance(done, list):
                        answers[sample.job] = [*done, completion]  # type: ignore[list-item]

    def prompt_ids(self, request: GenerationRequest) -> tuple[int, ...]:
        """Ids that the model reads for a request.

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
        if len(ids) >= self.config.context_length:
            raise InputError(
                f"a prompt of {len(ids)} tokens leaves no room in the context of "
                f"{self.config.context_length}: shorten it"
            )
        return tuple(ids)

    def _call(self, samples: Sequence[_Sample]) -> list[Completion]:
        padded = [*samples, *[samples[0]] * (_ROWS - len(samples))]
        sampling = Sampling(
            seed=jnp.asarray([s.seed % 2**32 for s in padded], jnp.uint32),
            temperature=jnp.asarray([s.request.temperature for s in padded], jnp.float32),
            top_k=jnp.asarray([s.request.top_k for s in padded], jnp.int32),
            top_p=jnp.asarray([s.request.top_p for s in padded], jnp.float32),
        )

        def stopped(row: int, ids: list[int]) -> bool:
            if row >= len(samples) or len(ids) >= padded[row].limit:
                return True
            stop = padded[row].request.stop
            return bool(stop) and any(s in self.tokenizer.decode(ids) for s in stop)

        made = generate(
            self.config,
            self.params,
            [s.ids for s in padded],
            sampling,
            max_tokens=max(s.limit for s in samples),
            eos_id=self.tokenizer.eos_id,
            stopped=stopped,
        )
        return [self._completion(s, ids) for s, ids in zip(samples, made, strict=False)]

    def _completion(self, sample: _Sample, made: list[int]) -> Completion:
        ids = made[: sample.limit]
        ended = ids[-1] == self.tokenizer.eos_id
        if ended:
            ids = ids[:-1]
        text = self.tokenizer.decode(ids)
        ends = [text.index(s) for s in sample.request.stop if s in text]
        if ends:
            text, ended = text[: min(ends)], True
            ids = ids[: _tokens_for(self.tokenizer, ids, text)]
        return Completion(
            text=text,
            finish_reason="stop" if ended else "length",
            prompt_tokens=len(sample.ids),
            completion_tokens=len(ids),
        )


def _tokens_for(tokenizer: Tokenizer, ids: Sequence[int], text: str) -> int:
    """How many of the ids it took to write `text`, which begins what they decode to."""
    size = len(text.encode("utf-8"))
    written = 0
    for count, token in enumerate(ids):
        if written >= size:
            return count
        written += len(tokenizer.token_bytes(token))
    return len(ids)


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
    return LocalModel(
        source.config,
        source.load(),
        tokenizer,
        identity=f"local:{source.identity[:32]}",
        template=template or source.template,
    )
