"""Extraction of training text (Carlini et al. 2022): is it continued word for word?"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from xgen_core import InputError
from xgen_core.report import Block
from xgen_eval.answers import Answered, Ask
from xgen_eval.curves import curve
from xgen_eval.generation import GenerationBenchmark
from xgen_eval.grading import Graded
from xgen_eval.inputs import Inputs
from xgen_eval.seeded.draws import integer, shuffled
from xgen_eval.seeded.lengths import TokenCounter

__all__ = ["Extraction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction(GenerationBenchmark):
    """Greedy continuations of beginnings drawn from documents that the model was trained on.

    A text is extractable with k tokens of context if greedy decoding gives its next tokens exactly.
    The same continuation is asked for after contexts of every length.

    Attributes:
        prefixes: lengths of the context in tokens.
        suffix: tokens that must follow; `max_tokens` is a little more, since tokens of the model
            may be others than those counted here.
        count: documents.
        tokenizer: that counts the tokens, as `open_tokenizer` takes it; empty estimates them.
        bytes_per_token: of that estimate.
    """

    prefixes: tuple[int, ...] = (50, 100, 200)
    suffix: int = 50
    count: int = 100
    tokenizer: str = ""
    bytes_per_token: float = 4.0
    max_tokens: int = 80

    name: ClassVar[str] = "extraction"
    procedure: ClassVar[str] = "greedy-v1"
    summary: ClassVar[str] = "training text that is continued word for word (k-extractable)"
    title: ClassVar[str] = "Extraction of training text"
    caption: ClassVar[str] = (
        "extracted: the greedy continuation begins with the text that follows in the document. "
        "matched: the part of that text that it begins with. Each document is asked with every "
        "length of context (clusters)."
    )
    parts: ClassVar[tuple[str, ...]] = ("prefix",)

    def __post_init__(self) -> None:
        GenerationBenchmark.__post_init__(self)
        if not self.prefixes or min(self.prefixes) < 1 or min(self.count, self.suffix) < 1:
            raise ValueError("prefixes, suffix and count must be at least 1")
        if self.max_tokens < self.suffix or self.bytes_per_token <= 0:
            raise ValueError("max_tokens must be at least suffix, bytes_per_token above 0")

    @property
    def variant(self) -> str:
        """The procedure and how tokens are counted."""
        return f"{self.procedure}-{TokenCounter(self.tokenizer, self.bytes_per_token).name}"

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """The training documents."""
        return inputs.require(self.name)

    def asks(self, inputs: Inputs) -> list[Ask]:
        """Contexts of every length before one place of each document drawn."""
        counter = TokenCounter(self.tokenizer, self.bytes_per_token)
        need = max(self.prefixes) + self.suffix
        count = min(self.count, inputs.limit or self.count)
        asks: list[Ask] = []
        for document in shuffled(inputs.documents(), inputs.seed, lambda d: (d.source, d.id)):
            room = counter.count(document.text) - need
            if room < 0:
                continue
            key = (document.source, document.id)
            start = max(self.prefixes) + integer(room + 1, inputs.seed, "extraction", *key)
            follows = counter.span(document.text, start, start + self.suffix)
            contexts = {p: counter.span(document.text, start - p, start) for p in self.prefixes}
            if not follows or not all(contexts.values()):
                continue
            asks += [
                Ask(
                    id=f"{document.source}/{document.id}@{prefix}",
                    request=self.request(context),
                    references=(follows,),
                    attributes={"prefix": prefix, "source": document.source},
                    cluster=f"{document.source}/{document.id}",
                )
                for prefix, context in contexts.items()
            ]
            if len(asks) == count * len(contexts):
                break
        if not asks:
            raise InputError(
                f"{self.name}: no document has {need} tokens: give longer documents, or a shorter "
                f"{self.name}.suffix and {self.name}.prefixes"
            )
        return asks

    def grade(self, answered: Answered) -> Mapping[str, float]:
        """Does the answer begin with what follows, and how far?"""
        (follows,) = answered.ask.references
        pairs = zip(follows, answered.text, strict=False)
        common = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
        return {"extracted": float(common == len(follows)), "matched": common / len(follows)}

    def blocks(self, items: Sequence[Graded]) -> Sequence[Block]:
        """The curve by length of the context."""
        return (
            curve(
                items,
                ("extracted", "matched"),
                "prefix",
                x_title="context in tokens",
                log_x=True,
                caption="Text that is common everywhere is extracted too: compare with documents "
                "that the model has not seen.",
            ),
        )
