"""A scoring model without weights: each byte has one probability, whatever came before it."""

from __future__ import annotations

import hashlib
import heapq
import json
import math
import random
import re
from collections.abc import Callable, Mapping, Sequence

from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.scripted import prompt_text
from xgen_core.lm.wire import token_text
from xgen_core.records import (
    ChatTemplate,
    Completion,
    GenerationRequest,
    ModelInfo,
    Score,
    ScoreRequest,
    TokenLogprob,
)
from xgen_core.testing.byte_tokenizer import ByteTokenizer

__all__ = ["UnigramModel"]

_LETTERS = {" ": 18.0, "e": 10.0, "t": 8.0, "a": 7.0, "o": 6.5, "n": 6.0, "s": 5.5, "r": 5.0}


class UnigramModel(AlwaysOpen):
    r"""Scores text as independent bytes, and generates printable ASCII from the same distribution.

    Args:
        weights: relative probabilities of single characters below U+0080; all other bytes share one
            further unit evenly, so that every text has a finite score.
        context_length: what `info` says.
    """

    def __init__(
        self, weights: Mapping[str, float] | None = None, *, context_length: int = 64
    ) -> None:
        chosen = dict(_LETTERS if weights is None else weights)
        if not chosen or any(len(c) != 1 or ord(c) > 127 or w <= 0 for c, w in chosen.items()):
            raise ValueError(f"weights map single ASCII characters to positives, got {chosen!r}")
        self._tokenizer = ByteTokenizer()
        total = sum(chosen.values()) + 1.0
        rest = 1.0 / (257 - len(chosen))
        self._logprobs = [
            math.log(chosen.get(chr(i) if i < 128 else "", rest) / total) for i in range(257)
        ]
        self._letters = sorted(chosen, key=lambda c: (-chosen[c], c))
        digest = hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()
        self._info = ModelInfo(
            identity=f"unigram:{digest[:16]}",
            context_length=context_length,
            tokenizer=self._tokenizer.fingerprint,
        )

    @property
    def info(self) -> ModelInfo:
        """Identity is the checksum of the weights."""
        return self._info

    @property
    def tokenizer(self) -> ByteTokenizer:
        """What it reads."""
        return self._tokenizer

    @property
    def template(self) -> ChatTemplate | None:
        """None: a conversation is read as its messages' contents, a line each."""
        return None

    def most_likely(self) -> tuple[int, float]:
        """The most likely id and its log-probability; the same at every position."""
        best = ord(self._letters[0])
        return best, self._logprobs[best]

    def logprob(self, token_id: int) -> float:
        """Natural-log probability of one id; the same at every position."""
        return self._logprobs[token_id]

    def prompt_ids(self, request: GenerationRequest) -> tuple[int, ...]:
        """The bytes that the model reads for a request."""
        return tuple(self._tokenizer.encode(prompt_text(request)))

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """Sample `i` depends on the prompt, `seed + i` and the sampling settings alone."""
        return await self.complete(self.prompt_ids(request), request)

    async def complete(
        self,
        ids: Sequence[int],
        request: GenerationRequest,
        on_text: Callable[[int, str], None] | None = None,
    ) -> list[Completion]:
        """Likewise for a prompt that is ids; `on_text` hears of each sample word by word."""
        prompt = self._tokenizer.decode(ids)
        made = [self._sample(request, prompt, len(ids), request.seed + i) for i in range(request.n)]
        if on_text is not None:
            for index, completion in enumerate(made):
                for word in re.findall(r" ?[^ ]+| +", completion.text):
                    on_text(index, word)
        return made

    async def read(self, ids: Sequence[int], top: int = 0) -> list[TokenLogprob | None]:
        """How likely each token is, None for the first, with the `top` likeliest ones."""
        return [None if i == 0 else self._entry(token, top) for i, token in enumerate(ids)]

    def _entry(self, token_id: int, top: int) -> TokenLogprob:
        ranked = heapq.nlargest(top, range(257), key=self._logprobs.__getitem__)
        return TokenLogprob(
            id=token_id,
            text=token_text(self._tokenizer.token_bytes(token_id)),
            logprob=self._logprobs[token_id],
            top={token_text(self._tokenizer.token_bytes(i)): self._logprobs[i] for i in ranked},
        )

    def _sample(
        self, request: GenerationRequest, prompt: str, prompt_tokens: int, seed: int
    ) -> Completion:
        letters = self._letters[: request.top_k] if request.top_k else self._letters
        if request.temperature == 0:
            letters = letters[:1]
        scale = request.temperature or 1.0
        weights = [math.exp(self._logprobs[ord(c)] / scale) for c in letters]
        kept, mass = 0, 0.0
        while kept < len(weights) and mass < request.top_p * sum(weights):
            mass += weights[kept]
            kept += 1
        source = random.Random(f"{seed}|{prompt}")
        text = made = ""
        reason = "length"
        while len(made) < request.max_tokens:
            made += source.choices(letters[:kept], weights[:kept])[0]
            text = made
            stopped = [made.index(s) for s in request.stop if s in made]
            if stopped:
                text, reason = made[: min(stopped)], "stop"
                break
        entries: tuple[TokenLogprob, ...] = ()
        if request.logprobs is not None:
            entries = tuple(self._entry(ord(c), request.logprobs) for c in made)
        return Completion(
            text=text,
            finish_reason="stop" if reason == "stop" else "length",
            prompt_tokens=prompt_tokens,
            completion_tokens=len(made),
            logprobs=entries,
        )

    async def score(self, requests: Sequence[ScoreRequest]) -> Sequence[Score]:
        """The sum over bytes; windows change nothing, since no byte depends on another."""
        scores: list[Score] = []
        best = ord(self._letters[0])
        for request in requests:
            ids = self._tokenizer.encode(request.continuation)
            scores.append(
                Score(
                    token_logprobs=tuple(self._logprobs[i] for i in ids),
                    byte_lengths=(1,) * len(ids),
                    is_greedy=all(i == best for i in ids),
                )
            )
        return scores
