"""Tags for rude words, so that a report can show where they are; nothing is removed.

A word list finds words, not harm: it misses insults in polite words and counts quotations, medical
texts and people's own names for themselves. The built-in list is a few plain English swear words,
without slurs; give your own for anything else, or a classifier trained on labelled text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

from xgen_core import Document
from xgen_core.records import Scalar
from xgen_data.steps.c4 import word_list_pattern
from xgen_data.steps.classifier import load_classifier
from xgen_data.steps.step import Drop
from xgen_data.steps.words import words_of

__all__ = ["Toxicity"]

_STEMS = ("fuck", "motherfuck", "shit", "bullshit", "asshole", "arsehole", "bitch", "bastard",
          "cunt", "wank", "dickhead", "piss off", "scumbag", "douchebag")  # fmt: skip


@lru_cache(maxsize=1)
def _built_in() -> re.Pattern[str]:
    endings = r"(?:s|es|y|ty|er|ers|ed|ing|in|in'|head|heads)?"
    return re.compile(rf"(?<!\w)(?:{'|'.join(_STEMS)}){endings}(?!\w)")


@dataclass(frozen=True, kw_only=True)
class Toxicity:
    """Write `toxicity.words`, `toxicity.rate` (per 1,000 words); with a model, `toxicity.score`.

    Attributes:
        words: a UTF-8 file with one word or phrase a line, instead of the built-in list.
        model: a classifier by `train_classifier` whose positive examples are toxic.
    """

    kind: Literal["toxicity"] = "toxicity"
    words: Path | None = None
    model: Path | None = None

    writes: ClassVar[tuple[str, ...]] = ("toxicity.words", "toxicity.rate", "toxicity.score")

    def apply(self, documents: Sequence[Document]) -> list[Document | Drop]:
        """The documents, tagged; none is dropped."""
        pattern = _built_in() if self.words is None else word_list_pattern(str(self.words), True)
        texts = [document.text for document in documents]
        scores = None if self.model is None else load_classifier(self.model).scores(texts).tolist()
        results: list[Document | Drop] = []
        for i, document in enumerate(documents):
            count = sum(1 for _ in pattern.finditer(document.text.lower()))
            total = max(len(words_of(document.text)), 1)
            tags: dict[str, Scalar] = {
                "toxicity.words": count,
                "toxicity.rate": round(1000 * count / total, 3),
            }
            if scores is not None:
                tags["toxicity.score"] = round(scores[i], 4)
            results.append(replace(document, metadata={**document.metadata, **tags}))
        return results
