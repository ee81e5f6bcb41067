"""The best of several sets of exemplars into English, on a few lines with references.

It is not in the papers, and it is supervised as far as those lines go: take them from a development
set, or from another language than the one that is tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xgen_core import InputError
from xgen_core.concurrency import Failure, gather
from xgen_core.lm.asker import Asker
from xgen_core.records import Record
from xgen_eval.metrics.translation import chrf
from xgen_ldp.line import Line
from xgen_ldp.methods.into_english import IntoEnglish
from xgen_ldp.methods.material import Material, Tested
from xgen_ldp.methods.settings import LdpSettings
from xgen_ldp.translation import Translation

__all__ = ["Search", "TriedSet", "search_exemplars"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedSet(Record):
    """One set of exemplars, and how good it is.

    Attributes:
        seed: that chose it; `--set exemplar_seed=N` takes it again.
        exemplars: their languages and ids, in the order of the prompt.
        chrf: chrF++ of all lines, as they were written, rejected or not; 0 to 100.
        accepted: lines in which no check found anything.
        failed: lines on which the model failed, which count as empty.
    """

    seed: int
    exemplars: tuple[str, ...]
    chrf: float
    accepted: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Search(Record):
    """What was tried, the best first; of equals the lower seed.

    The best score of many is higher than the same set will get on other lines.

    Attributes:
        tried: all sets.
        lines: ids of the lines that they were measured on.
        signature: sacrebleu's, of the score.
    """

    tried: tuple[TriedSet, ...]
    lines: tuple[str, ...]
    signature: str

    @property
    def best(self) -> TriedSet:
        """The set with the highest score."""
        return self.tried[0]


async def search_exemplars(
    asker: Asker,
    material: Material,
    lines: Sequence[Line],
    *,
    budget: int,
    settings: LdpSettings | None = None,
) -> Search:
    """Translate the lines with as many sets as the budget allows, and score each set.

    Args:
        asker: of the search.
        material: of a direction into English; its seed is that of the first set.
        lines: with references; no set holds any of them.
        budget: calls, at most; one for each line and set.
        settings: how exemplars are chosen.

    Raises:
        InputError: no lines, a line without a reference, another direction, a budget that is too
            small for two sets, or a bank with too few exemplars.
        BudgetError: the budget of the calls is used up.
        EndpointError: the model is not there.
    """
    direction = material.direction
    if direction.kind != "into-english":
        raise InputError(f"{direction.name}: exemplars are searched for directions into English")
    references = [line.reference for line in lines if line.reference is not None]
    if not lines or len(references) < len(lines):
        raise InputError(f"{len(lines) - len(references)} of {len(lines)} lines have no reference")
    fewest = 2 * len(lines)
    if budget < fewest:
        raise InputError(
            f"two sets on {len(lines)} lines take {fewest} calls, and the budget is {budget}"
        )
    tested = Tested(
        ids=material.tested.ids | {line.id for line in lines},
        texts=material.tested.texts | {line.text for line in lines} | set(references),
    )
    base = settings or LdpSettings()
    seeds = range(material.seed, material.seed + budget // len(lines))
    translators = [
        IntoEnglish.prepare(
            replace(base, exemplar_seed=seed), replace(material, tested=tested), direction.source
        )
        for seed in seeds
    ]
    works = [(ready, asker.branch(), line) for ready in translators for line in lines]
    made = await gather(works, lambda work: work[0].translate(work[1], work[2]))
    tried: list[TriedSet] = []
    signature = ""
    for number, (seed, ready) in enumerate(zip(seeds, translators, strict=True)):
        found = made[number * len(lines) : (number + 1) * len(lines)]
        score = chrf([_text(one) for one in found], [[reference] for reference in references])
        signature = score.signature
        tried.append(
            TriedSet(
                seed=seed,
                exemplars=tuple(f"{e.other.code} {e.id}" for e in ready.preparation.exemplars),
                chrf=round(score.value, 4),
                accepted=sum(isinstance(one, Translation) and one.accepted for one in found),
                failed=sum(isinstance(one, Failure) for one in found),
            )
        )
    tried.sort(key=lambda one: (-one.chrf, one.seed))
    return Search(tried=tuple(tried), lines=tuple(line.id for line in lines), signature=signature)


def _text(found: Translation | Failure) -> str:
    return "" if isinstance(found, Failure) else found.text
