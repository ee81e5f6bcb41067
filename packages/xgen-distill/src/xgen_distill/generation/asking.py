"""One question to the teacher, as a user's message."""

from __future__ import annotations

from xgen_core import Completion
from xgen_core.lm.asker import Asker
from xgen_core.records import Message
from xgen_distill.configuration import Sampling

__all__ = ["ask"]


async def ask(
    asker: Asker, stage: str, prompt: str, sampling: Sampling, *, first: int = 0
) -> Completion:
    """One answer.

    Args:
        asker: of the item that it is for.
        stage: what for.
        prompt: the message.
        sampling: of the answer; one sample is taken.
        first: number of the sample.

    Raises:
        ModelError: the model did not answer.
    """
    (completion,) = await asker.ask(
        stage,
        (Message(role="user", content=prompt),),
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature,
        top_p=sampling.top_p if sampling.temperature else 1.0,
        first=first,
    )
    return completion
