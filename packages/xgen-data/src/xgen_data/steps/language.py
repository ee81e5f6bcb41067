"""Tag documents with their language, and keep the wanted ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from xgen_core import Document
from xgen_data.language import UNKNOWN, Backend, identify
from xgen_data.steps.step import Drop

__all__ = ["Language"]


@dataclass(frozen=True, kw_only=True)
class Language:
    """Writes `language.code` and `language.probability`; drops others than those wanted.

    Attributes:
        keep: codes such as `"en"`; none: tag only.
        threshold: a verdict below it becomes `"unknown"`, which `keep` may name too. 0.65 is what
            FineWeb asks for English; CCNet asked 0.5.
        backend: as `xgen_data.language.identify` has it.
    """

    kind: Literal["language"] = "language"
    keep: tuple[str, ...] = ()
    threshold: float = 0.65
    backend: Backend = "auto"

    writes: ClassVar[tuple[str, ...]] = ("language.code", "language.probability")

    def apply(self, documents: Sequence[Document]) -> list[Document | Drop]:
        """The documents, tagged, or `Drop(reason="unwanted language")`."""
        results: list[Document | Drop] = []
        verdicts = identify([document.text for document in documents], backend=self.backend)
        for document, (code, probability) in zip(documents, verdicts, strict=True):
            settled = code if probability >= self.threshold else UNKNOWN
            if self.keep and settled not in self.keep:
                unsure = settled == UNKNOWN
                results.append(Drop(reason="unsure language" if unsure else "unwanted language"))
                continue
            tags = {"language.code": settled, "language.probability": round(probability, 4)}
            results.append(replace(document, metadata={**document.metadata, **tags}))
        return results
