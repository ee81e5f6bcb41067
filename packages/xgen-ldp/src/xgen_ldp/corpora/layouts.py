"""How corpora lie on disk: FLORES-200, NTREX, a file a language, a pair of files."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path

from xgen_core import InputError
from xgen_ldp.corpora.corpus import Corpus
from xgen_ldp.languages import Language, find_language
from xgen_ldp.line import Direction

__all__ = ["SPLITS", "aligned_corpus", "open_corpus"]

SPLITS = ("devtest", "dev")
"""Of FLORES-200, the one that is taken by itself first."""

_FLORES = (
    "FLORES-200 {split} (NLLB Team 2022), English from Wikinews, Wikijunior and Wikivoyage; "
    "CC BY-SA 4.0"
)
_NTREX = (
    "NTREX-128 (Federmann, Kocmi and Xin 2022), the English side of newstest2019 translated; "
    "CC BY-SA 4.0"
)
_NTREX_FILE = re.compile(
    r"newstest2019-(?:src|ref)\.(?P<code>[A-Za-z]+(?:-[A-Za-z]+)?)(?:\.(?P<part>\w+))?\.txt"
)
_SCRIPTS = {"zho-TW": "Hant", "zho-HK": "Hant"}
_REGION = re.compile(r"(?P<language>[a-z]{2,3})-(?P<region>[A-Z]{2})")


def open_corpus(path: Path | str, split: str = "") -> Corpus:
    """The corpus in a directory; which layout it has is told by what is there.

    FLORES-200: `dev/` or `devtest/` with `npi_Deva.devtest` (or one of the two). NTREX-128:
    `newstest2019-src.eng.txt` beside `newstest2019-ref.npi.txt`, possibly in `NTREX-128/`, a part
    of it also as `newstest2019-ref.npi.first500.txt`. Otherwise aligned files named by language
    codes: `npi_Deva.txt` beside `eng_Latn.txt`.

    Args:
        path: the directory.
        split: of FLORES-200; `devtest` if it is there, else `dev`.

    Raises:
        InputError: no such directory, or none of these layouts.
    """
    place = Path(path)
    if not place.is_dir():
        raise InputError(f"{path}: expected the directory of a corpus")
    corpus = _flores(place, split) or _ntrex(place)
    if corpus is not None:
        return corpus
    named = [(item, code) for item in place.glob("*.txt") for code in _codes(item.stem)]
    if len(named) < 2 or not any(language.known for _, language in named):
        raise InputError(
            f"{path}: no corpus here: expected FLORES-200 (devtest/npi_Deva.devtest), NTREX "
            "(newstest2019-ref.npi.txt) or aligned files (npi_Deva.txt beside eng_Latn.txt)"
        )
    name = place.resolve().name
    return _corpus(name, f"aligned files of {name}", named)


def aligned_corpus(
    direction: Direction, source: Path | str, reference: Path | str | None
) -> Corpus:
    """Two aligned files, or the source alone; named by the source's file.

    Args:
        direction: of the two.
        source: lines to be translated.
        reference: their translations by people.
    """
    named = [(Path(source), direction.source)]
    if reference is not None:
        named.append((Path(reference), direction.target))
    paths = {language.code: place for place, language in named}
    return Corpus(
        name=Path(source).name,
        title=" and ".join(place.name for place in paths.values()),
        paths=paths,
        languages=tuple(language for _, language in named),
    )


def _flores(place: Path, split: str) -> Corpus | None:
    if split and split not in SPLITS:
        raise InputError(f"split {split!r}: FLORES-200 has {' and '.join(SPLITS)}")
    for name in (split,) if split else SPLITS:
        for directory in (place / name, place):
            files = sorted(directory.glob(f"*.{name}"))
            if files:
                named = [(file, find_language(file.stem)) for file in files]
                return _corpus(f"flores200.{name}", _FLORES.format(split=name), named)
    if any((place / name).is_dir() or any(place.glob(f"*.{name}")) for name in SPLITS):
        wanted = f"{split} files" if split else "files such as npi_Deva.devtest"
        raise InputError(f"{place}: this looks like FLORES-200, but has no {wanted}")
    return None


def _ntrex(place: Path) -> Corpus | None:
    for directory in (place, place / "NTREX-128"):
        found = [
            (file, match)
            for file in sorted(directory.glob("newstest2019-*.txt"))
            if (match := _NTREX_FILE.fullmatch(file.name))
        ]
        if found:
            parts = sorted({match["part"] or "" for _, match in found})
            part = parts[0]  # the whole, where it is there
            named = [(f, _variety(m["code"])) for f, m in found if (m["part"] or "") == part]
            title = f"{_NTREX}; {part}" if part else _NTREX
            return _corpus("newstest2019", title, named)
    return None


def _codes(stem: str) -> list[Language]:
    """The language of a file's name; none where it is not the form of a code."""
    try:
        return [find_language(stem)]
    except InputError:
        return []


def _variety(code: str) -> Language:
    """A language by NTREX's code, which may name a region: `fra-CA` is not `fra`."""
    known = _codes(code)
    region = _REGION.fullmatch(code)
    if known or region is None:
        return known[0] if known else find_language(code)
    base = find_language(region["language"])
    script = _SCRIPTS.get(code, base.script)
    name = f"{base.name} ({region['region']})"
    return dataclasses.replace(base, code=code, name=name, script=script)


def _corpus(name: str, title: str, named: Iterable[tuple[Path, Language]]) -> Corpus:
    paths: dict[str, Path] = {}
    languages: list[Language] = []
    for place, language in sorted(named, key=lambda pair: pair[1].code):
        if language.code in paths:
            raise InputError(
                f"{place} and {paths[language.code].name} are both {language.name}: remove one"
            )
        paths[language.code] = place
        languages.append(language)
    return Corpus(name=name, title=title, paths=paths, languages=tuple(languages))
