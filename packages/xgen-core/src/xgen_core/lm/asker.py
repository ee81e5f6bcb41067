"""The model as one item's work asks it: every request by stage, kept for the trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xgen_core.lm.calls import CallStore
from xgen_core.lm.scripted import prompt_text
from xgen_core.protocols import Model
from xgen_core.records import Completion, GenerationRequest, Message, Record

__all__ = ["Asker", "Call", "CallTimes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Record):
    """One request to the model.

    Attributes:
        stage: what it was for, in the words of the method.
        step: the part of the item's work that it is about, from 1; 0 for the whole.
        prompt: as sent; of a conversation the contents, joined by newlines.
        texts: what came back, one for each sample.
        prompt_tokens, completion_tokens: as the model counts them, 0 where it does not.
    """

    stage: str
    step: int = 0
    prompt: str
    texts: tuple[str, ...]
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTimes:
    """How long calls took, as their store knows; results themselves hold no times.

    Attributes:
        seconds: by prompt and answer.
    """

    seconds: Mapping[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])

    @classmethod
    def read(cls, store: CallStore) -> CallTimes:
        """The times of all calls in a store."""
        return cls(seconds={(prompt, text): took for prompt, text, took in store.times()})

    def of(self, call: Call) -> float | None:
        """Seconds until the last sample of a call was there; None where nobody knows."""
        known = [self.seconds.get((call.prompt, text)) for text in call.texts]
        return max((took for took in known if took is not None), default=None)


class Asker:
    """Asks a model for one item, and remembers what was asked.

    `calls` has requests in the order in which they were begun. Works that go on side by side each
    ask through a `branch`, so that the order does not depend on which answer came first.
    """

    def __init__(self, model: Model, *, seed: int = 0, chat: bool = False) -> None:
        """Prepare it.

        Args:
            model: entered.
            seed: of every request; sample `i` has `seed + i`.
            chat: send prompts as a user's message, for models that know conversations only.
        """
        self._model = model
        self._seed = seed
        self._chat = chat
        self._calls: list[Call | Asker | None] = []

    def branch(self) -> Asker:
        """One that asks likewise; its calls stand in this trace at the place of this moment."""
        branch = Asker(self._model, seed=self._seed, chat=self._chat)
        self._calls.append(branch)
        return branch

    def through(self, model: Model, *, chat: bool) -> Asker:
        """One that asks another model, a tuned writer of queries say, with the same trace.

        Args:
            model: entered.
            chat: as for the first.
        """
        other = Asker(model, seed=self._seed, chat=chat)
        self._calls.append(other)
        return other

    @property
    def identity(self) -> str:
        """Of the model that is asked."""
        return self._model.info.identity

    @property
    def calls(self) -> tuple[Call, ...]:
        """What was asked and answered so far, in order."""
        calls: list[Call] = []
        for call in self._calls:
            if isinstance(call, Asker):
                calls.extend(call.calls)
            elif call is not None:
                calls.append(call)
        return tuple(calls)

    async def ask(
        self,
        stage: str,
        prompt: str | Sequence[Message],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        n: int = 1,
        first: int = 0,
        stop: Sequence[str] = (),
        logprobs: int | None = None,
        step: int = 0,
    ) -> list[Completion]:
        """Ask for continuations.

        Args:
            stage: what for; see `Call`.
            prompt: a text; or a conversation, sent as it is.
            max_tokens: of each answer.
            temperature: 0 is greedy.
            top_p: share of the probability that is sampled from.
            n: how many samples.
            first: number of the first of them, so that drawing more later repeats none.
            stop: strings that end an answer.
            logprobs: as in `GenerationRequest`.
            step: of the item's work, from 1; 0 for the whole.

        Raises:
            ModelError: the model failed.
        """
        place = len(self._calls)
        self._calls.append(None)
        messages: tuple[Message, ...] = ()
        if not isinstance(prompt, str):
            messages = tuple(prompt)
        elif self._chat:
            messages = (Message(role="user", content=prompt),)
        request = GenerationRequest(
            prompt=prompt if isinstance(prompt, str) and not messages else None,
            messages=messages,
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            n=n,
            seed=self._seed + first,
            stop=tuple(stop),
            logprobs=logprobs,
        )
        found = await self._model.generate(request)
        self._calls[place] = Call(
            stage=stage,
            step=step,
            prompt=prompt_text(request),
            texts=tuple(completion.text for completion in found),
            prompt_tokens=sum(completion.prompt_tokens for completion in found),
            completion_tokens=sum(completion.completion_tokens for completion in found),
        )
        return found
