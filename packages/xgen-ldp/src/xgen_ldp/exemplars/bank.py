"""Banks of exemplars: (Z, English) for many high-resource languages Z."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from xgen_core import CodecError, InputError
from xgen_core.records import Record
from xgen_ldp.exemplars.exemplar import Exemplar, Side
from xgen_ldp.languages import ENGLISH, Language, find_language

__all__ = ["Bank", "open_bank"]

_MAKER = "written for xgen-ldp"


@dataclass(frozen=True, kw_only=True)
class Bank(Record):
    """Exemplars with English on the right, of many languages.

    Attributes:
        exemplars: of any order; lines of equal meaning have equal ids.
    """

    exemplars: tuple[Exemplar, ...]

    def __post_init__(self) -> None:
        for exemplar in self.exemplars:
            if len(exemplar.sides) != 2 or exemplar.output.language != ENGLISH:
                raise ValueError(f"exemplar {exemplar.id!r}: expected (another language, English)")

    @cached_property
    def languages(self) -> tuple[Language, ...]:
        """Languages other than English, in the bank's order."""
        return tuple(dict.fromkeys(exemplar.other for exemplar in self.exemplars))

    def of(self, language: Language) -> tuple[Exemplar, ...]:
        """A language's exemplars, in the bank's order."""
        return tuple(e for e in self.exemplars if e.other.code == language.code)


def open_bank(path: Path | str | None = None) -> Bank:
    """The bank that comes with the package, or one of your own.

    Args:
        path: a directory of aligned files, one a language, named by its code: `fra_Latn.txt` beside
            `eng_Latn.txt`; or a JSONL file of exemplars, for synthetic ones. None for ours.

    Raises:
        InputError: no such file, or not of that form.
    """
    if path is None:
        ours = files("xgen_ldp.exemplars") / "sentences"
        texts = {item.name: item.read_text("utf-8") for item in ours.iterdir()}
        return _aligned({name: texts[name] for name in sorted(texts)}, "bank", _MAKER)
    place = Path(path)
    if place.is_dir():
        return _aligned(
            {item.name: _read(item) for item in sorted(place.glob("*.txt"))}, f"{place}", ""
        )
    exemplars: list[Exemplar] = []
    for number, text in enumerate(_read(place).splitlines(), 1):
        try:
            exemplars.append(Exemplar.from_json(json.loads(text)))
        except (ValueError, CodecError) as error:
            raise InputError(f"{place}:{number}: not an exemplar: {error}") from error
    return _bank(exemplars, f"{place}")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no such file, or not UTF-8 text: {error}") from error


def _aligned(texts: dict[str, str], where: str, maker: str) -> Bank:
    files_by_code = {name.removesuffix(".txt"): text.splitlines() for name, text in texts.items()}
    english = files_by_code.pop(ENGLISH.code, None)
    if english is None or not files_by_code:
        raise InputError(f"{where}: expected {ENGLISH.code}.txt and files of other languages")
    exemplars: list[Exemplar] = []
    for code, lines in files_by_code.items():
        if len(lines) != len(english):
            raise InputError(
                f"{where}/{code}.txt has {len(lines)} lines, {ENGLISH.code}.txt {len(english)}"
            )
        language = find_language(code)
        exemplars += [
            Exemplar(
                id=f"{Path(where).name}:{number}",
                sides=(
                    Side(language=language, text=text),
                    Side(language=ENGLISH, text=english[number - 1]),
                ),
                origin="parallel",
                maker=maker,
            )
            for number, text in enumerate(lines, 1)
        ]
    return _bank(exemplars, where)


def _bank(exemplars: list[Exemplar], where: str) -> Bank:
    try:
        return Bank(exemplars=tuple(exemplars))
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error
