"""Candidates for synthetic exemplars: unlabelled lines, written in other languages by the model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from xgen_core import CapabilityError
from xgen_core.concurrency import Failure, gather
from xgen_core.lm.asker import Asker
from xgen_ldp.exemplars import Exemplar, Side
from xgen_ldp.finding import Finding
from xgen_ldp.languages import ENGLISH, Language
from xgen_ldp.line import Line
from xgen_ldp.methods.into_english import IntoEnglish
from xgen_ldp.methods.material import Material
from xgen_ldp.methods.method import Candidate
from xgen_ldp.order import shuffled
from xgen_ldp.translation import Attempt

__all__ = ["candidate", "make_candidates", "read_into_english"]

T = TypeVar("T", Line, Candidate)


async def read_into_english(asker: Asker, into: IntoEnglish, material: Material) -> list[Candidate]:
    """Translate unlabelled lines of a language into English: candidates (ên, x).

    Which lines depends on the seed, the language and their ids alone, so that every direction that
    needs exemplars of this language sends the same requests, and two languages whose texts are
    translations of each other have other lines drawn.

    Args:
        asker: of the preparation.
        into: from that language into English.
        material: with its text.

    Raises:
        InputError: there are fewer lines than exemplars that are wanted.
        CapabilityError: log-probabilities are wanted, and the model gives none.
        BudgetError: the budget is used up.
        EndpointError: the model is not there.
    """
    settings, source = into.settings, into.source
    lines = material.lines(source, settings.shots)
    drawn = shuffled(lines, material.seed, lambda line: f"{source.code} {line.id}")

    async def make(asker: Asker, line: Line) -> Candidate:
        attempt, logprob = await into.attempt(asker, line, logprobs=settings.ranking == "logprob")
        sides = [(ENGLISH, attempt.text), (source, line.text)]
        return candidate(
            line.id, sides, attempt, material=material, maker=asker.identity, score=logprob
        )

    try:
        return await make_candidates(asker, drawn[: settings.pool], make, ENGLISH)
    except CapabilityError as error:
        if settings.ranking != "logprob":
            raise
        raise CapabilityError(f"ranking=logprob: {error}; or --set ranking=length") from error


async def make_candidates(
    asker: Asker,
    items: Sequence[T],
    make: Callable[[Asker, T], Awaitable[Candidate]],
    language: Language,
) -> list[Candidate]:
    """Make candidates side by side; one on which the model fails is refused for it.

    Args:
        asker: of the preparation.
        items: to make them of: lines, or candidates that want another side.
        make: one item's work.
        language: that the model writes.
    """
    branches = [(asker.branch(), item) for item in items]
    made = await gather(branches, lambda branch: make(*branch))
    return [
        Candidate(
            id=item.id,
            exemplar=None,
            findings=(Finding(reason="failed", language=language.code, detail=one.reason),),
        )
        if isinstance(one, Failure)
        else one
        for item, one in zip(items, made, strict=True)
    ]


def candidate(
    id: str,
    sides: Sequence[tuple[Language, str]],
    attempt: Attempt,
    *,
    material: Material,
    maker: str,
    score: float | None,
) -> Candidate:
    """A candidate of these sides, as good as the attempt at the synthetic one.

    Args:
        id: of its line.
        sides: language and text, in the order of the prompt; one may be empty.
        attempt: that wrote the last synthetic side.
        material: that says what is tested; a model may write such a line by itself.
        maker: the model.
        score: its log-probability, if it is known.
    """
    if not all(text for _, text in sides):
        return Candidate(id=id, exemplar=None, findings=attempt.findings, score=score)
    exemplar = Exemplar(
        id=id,
        sides=tuple(Side(language=language, text=text) for language, text in sides),
        origin="synthetic",
        maker=maker,
    )
    findings = attempt.findings
    if not material.tested.allows(exemplar):
        findings += (Finding(reason="tested", language=exemplar.output.language.code),)
    return Candidate(id=id, exemplar=exemplar, findings=findings, score=score)
