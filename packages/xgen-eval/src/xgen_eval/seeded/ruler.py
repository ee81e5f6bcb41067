"""Tasks in the style of RULER (Hsieh et al. 2024): made from a seed, to a length in tokens.

Prompts and grading are RULER's; its words, essays and random streams are not, so figures are
comparable among models here, not with its tables. How long a prompt is depends on the tokenizer:
name the model's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xgen_core import InputError
from xgen_core.records import Scalar
from xgen_core.report import Block
from xgen_eval.answers import Answered, Ask
from xgen_eval.curves import curve
from xgen_eval.generation import GenerationBenchmark
from xgen_eval.grading import Graded
from xgen_eval.inputs import Inputs
from xgen_eval.metrics import string_match_all
from xgen_eval.seeded.lengths import TokenCounter, largest

__all__ = ["NOISE", "Ruler", "Sample"]

NOISE = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
"""RULER's repeated filling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One prompt with what stands in a right answer."""

    prompt: str
    references: tuple[str, ...]
    attributes: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruler(GenerationBenchmark):
    """What such tasks share: prompts that fill given lengths, string_match_all, curves by length.

    A subclass makes a sample of any `size` (`sample`); the size is the largest with which prompt
    and answer fit.

    Attributes:
        lengths: in tokens, of prompt and answer together.
        count: prompts of each length (and of each case of a task).
        tokenizer: that counts the tokens, as `open_tokenizer` takes it; empty estimates them.
        bytes_per_token: of that estimate.
    """

    lengths: tuple[int, ...] = (1024, 2048, 4096, 8192)
    count: int = 20
    tokenizer: str = ""
    bytes_per_token: float = 4.0

    parts = ("length",)

    def __post_init__(self) -> None:
        GenerationBenchmark.__post_init__(self)
        if not self.lengths or min(self.lengths) < 1 or len(set(self.lengths)) < len(self.lengths):
            raise ValueError(f"lengths must be positive and differ, got {self.lengths}")
        if self.count < 1 or self.bytes_per_token <= 0:
            raise ValueError("count and bytes_per_token must be positive")

    @property
    def variant(self) -> str:
        """The procedure and how tokens are counted."""
        return f"{self.procedure}-{TokenCounter(self.tokenizer, self.bytes_per_token).name}"

    def asks(self, inputs: Inputs) -> list[Ask]:
        """The prompts, all lengths and cases of the first number before the second number's."""
        counter = TokenCounter(self.tokenizer, self.bytes_per_token)
        cells = [(length, case) for length in self.lengths for case in self.cases()]
        sizes = {length: self._size(inputs, counter, length) for length in self.lengths}
        plan = [(n, length, case) for n in range(self.count) for length, case in cells]
        asks: list[Ask] = []
        for number, length, case in plan[: inputs.limit]:
            size = sizes[length]
            sample = self.sample(inputs, length, case, number, size)
            while (tokens := counter.count(sample.prompt) + self.max_tokens) > length:
                size -= max(1, size // 64)
                if size < self.smallest():
                    raise self._too_short(length)
                sample = self.sample(inputs, length, case, number, size)
            asks.append(
                Ask(
                    id=f"{length}-{case}-{number + 1}",
                    request=self.request(sample.prompt),
                    references=sample.references,
                    attributes={"length": length, "tokens": tokens, **sample.attributes},
                )
            )
        return asks

    def cases(self) -> Sequence[int]:
        """What is tried at every length, numbered; one case by default."""
        return (0,)

    def smallest(self) -> int:
        """The least size that makes sense."""
        return 1

    def sample(self, inputs: Inputs, length: int, case: int, number: int, size: int) -> Sample:
        """A prompt of a size; the same arguments give the same one."""
        raise NotImplementedError

    def grade(self, answered: Answered) -> Mapping[str, float]:
        """The part of the references that stand in the answer."""
        return {"string_match_all": string_match_all(answered.text, answered.ask.references)}

    def blocks(self, items: Sequence[Graded]) -> Sequence[Block]:
        """The curve by length."""
        return (
            curve(
                items,
                ("string_match_all",),
                "length",
                x_title="length of prompt and answer in tokens",
                log_x=True,
                caption=f"Procedure: {self.variant}.",
            ),
        )

    def _size(self, inputs: Inputs, counter: TokenCounter, length: int) -> int:
        def fits(size: int) -> bool:
            prompt = self.sample(inputs, length, self.cases()[0], 0, size).prompt
            return counter.count(prompt) + self.max_tokens <= length

        size = largest(fits, self.smallest())
        if size is None:
            raise self._too_short(length)
        return size

    def _too_short(self, length: int) -> InputError:
        return InputError(
            f"{self.name}: a prompt and {self.max_tokens} tokens of answer do not fit into "
            f"{length} tokens: give longer lengths"
        )
