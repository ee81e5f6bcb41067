"""The candidates for synthetic exemplars, ranked; which of them stand in prompts, and where."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from xgen_core import InputError
from xgen_ldp.exemplars import Exemplar, overlap, words
from xgen_ldp.finding import Finding
from xgen_ldp.languages import ENGLISH, Language
from xgen_ldp.methods.material import Material
from xgen_ldp.methods.method import Candidate
from xgen_ldp.methods.settings import LdpSettings
from xgen_ldp.order import shuffled

__all__ = ["Pool", "make_pool"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What came of candidates.

    Attributes:
        candidates: all, in the order in which their lines were drawn.
        sets: exemplars in the order of the prompt: those of the first attempt at every line, then
            others for each retry, as long as there are any.
        notes: for the preparation.
    """

    candidates: tuple[Candidate, ...]
    sets: tuple[tuple[Exemplar, ...], ...]
    notes: tuple[str, ...] = ()


def make_pool(
    candidates: Sequence[Candidate], settings: LdpSettings, material: Material, language: Language
) -> Pool:
    """Rank accepted candidates, leave out what is alike, and take the best.

    Args:
        candidates: in the order in which their lines were drawn.
        settings: how.
        material: of the direction.
        language: of the unlabelled lines.

    Raises:
        InputError: nothing is left; says why.
    """
    found = _scored(candidates, settings)
    accepted = [(n, c.exemplar) for n, c in enumerate(found) if c.exemplar and not c.findings]
    accepted.sort(key=lambda one: -(found[one[0]].score or 0.0))  # equal ones stay as drawn
    kept: list[Exemplar] = []
    seen: list[frozenset[str]] = []
    for place, exemplar in accepted:
        english = words(exemplar.text(ENGLISH) or "")
        shared = [overlap(english, other) for other in seen]
        most = max(shared, default=0.0)
        if most >= settings.alike:
            said = f"its English shares {most:.0%} of its words with {kept[shared.index(most)].id}"
            alike = Finding(reason="duplicate", language=ENGLISH.code, detail=said)
            found[place] = replace(found[place], findings=(alike,))
            continue
        found[place] = replace(found[place], chosen=len(kept) < settings.shots)
        kept.append(exemplar)
        seen.append(english)
    if not kept:
        raise InputError(_nothing(found, material, language))
    return Pool(
        candidates=tuple(found),
        sets=_sets(kept, settings, material.seed),
        notes=_notes(len(kept), len(found), settings),
    )


def _scored(candidates: Sequence[Candidate], settings: LdpSettings) -> list[Candidate]:
    if settings.ranking != "length":
        return list(candidates)
    good = [(n, c.exemplar) for n, c in enumerate(candidates) if c.exemplar and not c.findings]
    ratios = [
        [math.log(len(b.text) / len(a.text)) for a, b in pairwise(exemplar.sides)]
        for _, exemplar in good
    ]
    medians = [statistics.median(column) for column in zip(*ratios, strict=True)]
    scored = list(candidates)
    for (place, _), row in zip(good, ratios, strict=True):
        far = sum(abs(ratio - median) for ratio, median in zip(row, medians, strict=True))
        scored[place] = replace(candidates[place], score=0.0 - round(far, 6))
    return scored


def _sets(
    kept: Sequence[Exemplar], settings: LdpSettings, seed: int
) -> tuple[tuple[Exemplar, ...], ...]:
    size = settings.shots
    sets = [kept[:size]]
    for start in range(size, size * (settings.retries + 1), size):
        others = kept[start : start + size]
        if others:  # where they are too few for a prompt, the best come to their aid
            sets.append([*others, *kept[: size - len(others)]])
    return tuple(tuple(shuffled(one, seed, lambda exemplar: exemplar.id)) for one in sets)


def _notes(kept: int, considered: int, settings: LdpSettings) -> tuple[str, ...]:
    if kept >= settings.shots:
        return ()
    return (
        f"{kept} synthetic exemplars in the place of {settings.shots}: of {considered} lines no "
        "more were accepted",
    )


def _nothing(candidates: Sequence[Candidate], material: Material, language: Language) -> str:
    reasons = Counter(c.findings[0].reason for c in candidates if c.findings)
    counts = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    return (
        f"{material.direction.name}: of {len(candidates)} unlabelled lines of {language.name} none "
        f"makes an exemplar ({counts}): give other text, read more of it with --set considered=N, "
        "or choose other exemplars into English with --set languages=…"
    )
