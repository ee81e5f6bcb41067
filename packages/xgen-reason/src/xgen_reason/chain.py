"""A chain of thought: steps in order, and the answer that they lead to."""

from __future__ import annotations

from dataclasses import dataclass

from xgen_core.records import Record

__all__ = ["Chain", "write_steps"]

_ORDINALS = ("First,", "Second,", "Third,", "Fourth,")
_FURTHER = "Moreover,"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain(Record):
    """What a model thought.

    Attributes:
        steps: without ordinals, in order; any number of them.
        answer: as it was stated; empty where none was, which is an abstention.
        text: what the model wrote.
        logprob: mean log-probability of its tokens; None where the model does not say.
        answer_logprob: sum over the tokens of the answer; None likewise.
    """

    steps: tuple[str, ...] = ()
    answer: str = ""
    text: str = ""
    logprob: float | None = None
    answer_logprob: float | None = None

    @property
    def states(self) -> bool:
        """Whether it states an answer."""
        return bool(self.answer)


def write_steps(steps: tuple[str, ...]) -> str:
    """Steps as prompts show them: `First, … Second, …`, from the fifth on `Moreover, …`."""
    return " ".join(
        f"{_ORDINALS[i] if i < len(_ORDINALS) else _FURTHER} {step}" for i, step in enumerate(steps)
    )
