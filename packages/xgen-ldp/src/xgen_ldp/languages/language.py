"""One language: its code, the name that prompts call it by, its script, its other codes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from xgen_core import InputError
from xgen_core.codec import unknown_name
from xgen_core.records import Record

__all__ = ["ENGLISH", "Language", "find_language", "known_languages", "language_group"]

_CODE = re.compile(r"(?P<language>[a-z]{2,8})(?:[_-](?P<script>[A-Z][a-z]{3}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language(Record):
    """A language.

    Attributes:
        code: FLORES-200's, `"npi_Deva"`; as it was given where the table does not have it.
        name: what prompts call it; its code where nobody knows a name.
        script: ISO 15924, `"Deva"`; None where neither the table nor the code says it.
        codes: ISO 639 codes under which an identifier may know it.
        known: whether it stands in the table.
    """

    code: str
    name: str
    script: str | None = None
    codes: tuple[str, ...] = ()
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    language: Language
    aliases: tuple[str, ...]
    groups: tuple[str, ...]


@cache
def _table() -> tuple[_Row, ...]:
    text = (files("xgen_ldp.languages") / "table.tsv").read_text("utf-8")
    rows: list[_Row] = []
    for line in text.splitlines()[1:]:
        code, name, aliases, groups = line.split("\t")
        bare, _, script = code.partition("_")
        others = tuple(filter(None, aliases.split(",")))
        language = Language(code=code, name=name, script=script, codes=(bare, *others))
        spellings = (code, bare, *others, name)
        rows.append(
            _Row(
                language=language,
                aliases=tuple(spelling.casefold() for spelling in spellings),
                groups=tuple(filter(None, groups.split(","))),
            )
        )
    return tuple(rows)


def known_languages() -> tuple[Language, ...]:
    """All languages of the table, in its order."""
    return tuple(row.language for row in _table())


def find_language(code: str) -> Language:
    """A language by any of its codes or its English name: `npi_Deva`, `npi`, `ne`, `Nepali`.

    A code that the table does not have works too: the language then has no name but its code, and
    its script is the one that the code states (`xyz_Cyrl`), if it does.

    Raises:
        InputError: neither in the table nor of the form of a code.
    """
    asked = code.strip().casefold()
    for row in _table():
        if asked in row.aliases:
            return row.language
    form = _CODE.fullmatch(code.strip())
    if form is None:
        names = [spelling for row in _table() for spelling in row.aliases]
        raise InputError(
            f"{unknown_name(code, names, 'language')}; a code of your own is two to eight small "
            "letters, with a script if you like: xyz_Cyrl"
        )
    return Language(
        code=form[0].replace("-", "_"),
        name=form[0].replace("-", "_"),
        script=form["script"],
        codes=(form["language"],),
        known=False,
    )


def language_group(name: str) -> tuple[Language, ...]:
    """The languages of `indic13`, `afri21` or `high`.

    The first two are BLOOM's 13 Indic and 21 Niger-Congo languages, whose means LDP reports;
    `high` are those with much text on the web.

    Raises:
        InputError: no such group.
    """
    found = tuple(row.language for row in _table() if name in row.groups)
    if not found:
        groups = dict.fromkeys(group for row in _table() for group in row.groups)
        raise InputError(unknown_name(name, list(groups), "group of languages"))
    return found


ENGLISH = find_language("eng_Latn")
