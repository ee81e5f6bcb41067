"""Which directions a run is about: pairs of codes, and groups of languages into or out of one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from xgen_core import InputError
from xgen_ldp.languages import Language, find_language, language_group
from xgen_ldp.line import Direction

__all__ = ["chosen_directions", "find_direction"]


def find_direction(text: str) -> Direction:
    """`npi-eng`, or any two codes or names with a hyphen between.

    Raises:
        InputError: not that, or a language into itself.
    """
    found: list[tuple[Language, Language]] = []
    reason = ""
    pieces = text.split("-")
    for at in range(1, len(pieces)):
        try:
            pair = find_language("-".join(pieces[:at])), find_language("-".join(pieces[at:]))
        except InputError as error:
            reason = f": {error}"
        else:
            found.append(pair)
    if not found:
        raise InputError(f"{text!r}: expected SOURCE-TARGET, such as npi-eng{reason}")
    source, target = max(found, key=lambda pair: pair[0].known + pair[1].known)
    if source == target:
        raise InputError(f"{text!r}: from {source.name} into itself")
    return Direction(source=source, target=target)


def chosen_directions(
    pairs: Sequence[str],
    groups: Sequence[str] = (),
    *,
    into: str | None = None,
    out_of: str | None = None,
    available: Collection[Language] = (),
) -> tuple[list[Direction], list[str]]:
    """All directions that were asked for, each once, in the order in which they were named.

    Args:
        pairs: as `find_direction` takes them; several in one string stand between commas.
        groups: names of groups of languages, each of them into or out of another language.
        into: that other language, to translate into it.
        out_of: that other language, to translate from it.
        available: languages that there is text in; empty: all. A group's others are left out.

    Returns:
        The directions, and what was left out, in words.

    Raises:
        InputError: no direction, no such language or group, a group without `into` and `out_of`, or
            a pair that there is no text in.
    """
    found = [find_direction(pair) for text in pairs for pair in text.split(",") if pair]
    for direction in found:
        for language in (direction.source, direction.target):
            if available and language not in available:
                raise InputError(f"{direction.name}: no text in {language.name} is there")
    notes: list[str] = []
    if groups and into is None and out_of is None:
        raise InputError("--group needs --into LANGUAGE or --from LANGUAGE")
    for name in groups:
        members = language_group(name)
        missing = [m for m in members if available and m not in available]
        if missing:
            codes = ", ".join(language.code for language in missing)
            notes.append(f"{name}: {len(missing)} of {len(members)} are not there: {codes}")
        members = [member for member in members if member not in missing]
        for other, is_into in ((into, True), (out_of, False)):
            if other is None:
                continue
            hub = find_language(other)
            ways = [(m, hub) if is_into else (hub, m) for m in members if m != hub]
            found += [Direction(source=source, target=target) for source, target in ways]
    if not found:
        raise InputError("no direction: give --pairs npi-eng,…, or --group NAME with --into eng")
    return list(dict.fromkeys(found)), notes
