"""One request as all of LDP's steps make it, and its answer read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from xgen_core import Completion
from xgen_core.lm.asker import Asker
from xgen_ldp.exemplars import Exemplar, Side
from xgen_ldp.languages import Language
from xgen_ldp.prompts import Layout
from xgen_ldp.translation import Attempt

__all__ = ["Answer", "ask", "until_accepted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a model wrote.

    Attributes:
        texts: one for each asked language; None where the answer has not all of them.
        first: the first of them, which may be there without the others; may be empty.
        truncated: whether the last of them was cut off at the answer's greatest length.
        logprob: mean log-probability of the answer's tokens in nats, to six places; None where it
            was not asked for.
    """

    texts: tuple[str, ...] | None
    first: str
    truncated: bool
    logprob: float | None


async def ask(
    asker: Asker,
    stage: str,
    layout: Layout,
    exemplars: Sequence[Exemplar],
    given: Side,
    asked: Sequence[Language],
    *,
    max_tokens: int,
    logprobs: bool = False,
    step: int = 0,
) -> Answer:
    """Ask greedily, up to the end of the line, or of the block where several lines are asked for.

    Args:
        asker: of the line's work.
        stage: what for.
        layout: of the prompt.
        exemplars: before the line.
        given: the line.
        asked: languages in which it is to be written, in order.
        max_tokens: of each asked line.
        logprobs: whether log-probabilities are wanted.
        step: which attempt at the line it is, from 1.

    Raises:
        ModelError: the model failed.
        CapabilityError: it gives no log-probabilities.
    """
    [completion] = await asker.ask(
        stage,
        layout.render(exemplars, [given], asked),
        max_tokens=max_tokens * len(asked),
        stop=layout.stop(asked),
        logprobs=0 if logprobs else None,
        step=step,
    )
    first = layout.parse(completion.text, [given], asked[:1])
    return Answer(
        texts=layout.parse(completion.text, [given], asked),
        first=first[0] if first else "",
        truncated=_truncated(completion, len(asked)),
        logprob=_mean_logprob(completion),
    )


async def until_accepted(
    sets: Sequence[tuple[Exemplar, ...]],
    attempt: Callable[[tuple[Exemplar, ...], int], Awaitable[Attempt]],
) -> tuple[Attempt, ...]:
    """Attempts with one set of exemplars after the other, the last of them accepted if any is.

    Args:
        sets: for each attempt.
        attempt: one, with its exemplars and its number from 1.
    """
    attempts: list[Attempt] = []
    for step, exemplars in enumerate(sets, 1):
        attempts.append(await attempt(exemplars, step))
        if attempts[-1].accepted:
            break
    return tuple(attempts)


def _truncated(completion: Completion, lines: int) -> bool:
    """Whether the asked lines are unfinished: a server may not know the string that ends them."""
    written = [line for line in completion.text.lstrip().splitlines(keepends=True) if line.strip()]
    finished = len(written) > lines or (len(written) == lines and written[-1].endswith("\n"))
    return completion.finish_reason == "length" and not finished


def _mean_logprob(completion: Completion) -> float | None:
    found = [token.logprob for token in completion.logprobs]
    return round(sum(found) / len(found), 6) if found else None
