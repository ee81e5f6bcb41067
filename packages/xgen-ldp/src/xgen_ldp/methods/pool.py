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
from xgen_ldp.finding import Finding, Reason
from xgen_ldp.languages import ENGLISH
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
            others for each retry, as far as they reach.
        notes: for the preparation.
    """

    candidates: tuple[Candidate, ...]
    sets: tuple[tuple[Exemplar, ...], ...]
    notes: tuple[str, ...] = ()


def make_pool(candidates: Sequence[Candidate], settings: LdpSettings, material: Material) -> Pool:
    """Rank accepted candidates, leave out what is alike, and take the best.

    Args:
        candidates: in the order in which their lines were drawn.
        settings: how.
        material: of the direction.

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
            found[place] = _refused(found[place], "duplicate", said)
            continue
        found[place] = replace(found[place], chosen=len(kept) < settings.shots)
        kept.append(exemplar)
        seen.append(english)
    if not kept:
        raise InputError(_nothing(found, material))
    return Pool(
        candidates=tuple(found),
        sets=_sets(kept, settings, material.seed),
        notes=_notes(len(kept), len(found), settings),
    )


def _refused(candidate: Candidate, reason: Reason, detail: str) -> Candidate:
    finding = Finding(reason=reason, language=ENGLISH.code, detail=detail)
    return replace(candidate, findings=(finding,), chosen=False)


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
        scored[place] = replace(candidates[place], score=-round(far, 6))
    return scored


def _sets(
    kept: Sequence[Exemplar], settings: LdpSettings, seed: int
) -> tuple[tuple[Exemplar, ...], ...]:
    size, attempts = settings.shots, settings.retries + 1
    cuts = [kept[size * n : size * (n + 1)] for n in range(attempts)]
    return tuple(tuple(shuffled(cut, seed, lambda exemplar: exemplar.id)) for cut in cuts if cut)


def _notes(kept: int, considered: int, settings: LdpSettings) -> tuple[str, ...]:
    if kept >= settings.shots:
        return ()
    return (
        f"{kept} synthetic exemplars in the place of {settings.shots}: of {considered} lines no "
        "more were accepted",
    )


def _nothing(candidates: Sequence[Candidate], material: Material) -> str:
    reasons = Counter(c.findings[0].reason for c in candidates if c.findings)
    counts = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    return (
        f"{material.direction.name}: no synthetic exemplar is left of {len(candidates)} unlabelled "
        f"lines ({counts}): give other text, read more of it with --set considered=N, or choose "
        "other exemplars with --set languages=…"
    )
