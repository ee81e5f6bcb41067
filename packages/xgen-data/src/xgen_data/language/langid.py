"""py3langid: n-grams of bytes, pure Python with numpy, some 140 languages."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from xgen_data.language.verdict import UNKNOWN, Verdict

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

__all__ = ["langid_codes", "langid_verdict"]


@lru_cache(maxsize=1)
def _model() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


_NO_LANGUAGE = "zxx"
"""Its code for what is not language."""


def langid_verdict(text: str) -> Verdict:
    """What the model says of one line; its codes as it spells them."""
    code, probability = _model().classify(text)
    if code == _NO_LANGUAGE:
        return Verdict(UNKNOWN, 0.0)
    return Verdict(code, 0.0 if math.isnan(probability) else float(probability))


@lru_cache(maxsize=1)
def langid_codes() -> frozenset[str]:
    """Codes of all its languages, as it spells them."""
    return frozenset(map(str, _model().nb_classes)) - {_NO_LANGUAGE}
