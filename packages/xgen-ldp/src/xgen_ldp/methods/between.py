"""X→Y: exemplars (x, ên, ŷ), and a model that writes English, then Y, in one answer.

x is real text in X; ên is X→En's translation of it, and ŷ En→Y's of ên. En→Y rests on unlabelled
text in Y. Where that text says the same as the text in X (both may come from one corpus), an
exemplar of En→Y would hold the translation of x by a person: such a line makes no triplet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from xgen_core.lm.asker import Asker
from xgen_ldp.checking import Checker
from xgen_ldp.exemplars import Exemplar, Side, overlap, words
from xgen_ldp.finding import Finding
from xgen_ldp.languages import ENGLISH
from xgen_ldp.line import Direction, Line
from xgen_ldp.methods.asking import Answer, ask, until_accepted
from xgen_ldp.methods.candidates import candidate, make_candidates, read_into_english
from xgen_ldp.methods.from_english import FromEnglish
from xgen_ldp.methods.into_english import IntoEnglish
from xgen_ldp.methods.material import Material
from xgen_ldp.methods.method import Candidate, Preparation, outputs
from xgen_ldp.methods.pool import make_pool
from xgen_ldp.methods.settings import LdpSettings
from xgen_ldp.prompts import Layout
from xgen_ldp.translation import Attempt, Translation

__all__ = ["Between"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """A translator from one language into another, neither of them English.

    Attributes:
        settings: of LDP.
        direction: from X into Y.
        layout: of the prompts.
        checker: that looks at both lines of every output.
        sets: triplets for each attempt at a line; the same for every line.
        preparation: how they were made.
    """

    settings: LdpSettings
    direction: Direction
    layout: Layout
    checker: Checker
    sets: tuple[tuple[Exemplar, ...], ...]
    preparation: Preparation

    @classmethod
    async def prepare(cls, settings: LdpSettings, asker: Asker, material: Material) -> Self:
        """Make triplets of unlabelled text in X, with the help of unlabelled text in Y.

        Raises:
            InputError: too little unlabelled text, or none of it could be read by the model.
            CapabilityError: log-probabilities are wanted, and the model gives none.
            ModelError: nothing can be asked any more.
        """
        direction = material.direction
        source, target = direction.source, direction.target
        for language in (source, target):
            material.lines(language, settings.shots)  # before anything is paid for
        into = IntoEnglish.prepare(settings, material, source)
        pairs = await read_into_english(asker.branch(), into, material)
        onward = await FromEnglish.prepare(settings, asker.branch(), material, target)

        async def make(asker: Asker, pair: Candidate) -> Candidate:
            if pair.exemplar is None or pair.findings:
                return pair
            english, given = pair.exemplar.sides
            shown = _same(pair.exemplar, onward.sets, settings.alike)
            if shown:
                detail = f"{shown} says it in {target.name}, in the prompt itself"
                same = Finding(reason="duplicate", language=target.code, detail=detail)
                return replace(pair, findings=(same,))
            found = await onward.translate(asker, Line(id=pair.id, text=english.text))
            return candidate(
                pair.id,
                [(source, given.text), (ENGLISH, english.text), (target, found.text)],
                found.last,
                material=material,
                maker=asker.identity,
                score=pair.score,
            )

        triplets = await make_candidates(asker.branch(), pairs, make, target)
        pool = make_pool(triplets, settings, material, source)
        ways = Direction(source=source, target=ENGLISH), Direction(source=ENGLISH, target=target)
        return cls(
            settings=settings,
            direction=direction,
            layout=into.layout,
            checker=material.checker,
            sets=pool.sets,
            preparation=Preparation(
                exemplars=pool.sets[0],
                candidates=pool.candidates,
                calls=asker.calls,
                steps={ways[0].name: into.preparation, ways[1].name: onward.preparation},
                notes=pool.notes,
            ),
        )

    async def translate(self, asker: Asker, line: Line) -> Translation:
        """Translate a line; a rejected output is asked for again with other exemplars.

        See `Translator.translate`.
        """
        given = Side(language=self.direction.source, text=line.text)
        target = self.direction.target

        async def attempt(exemplars: tuple[Exemplar, ...], step: int) -> Attempt:
            answer = await ask(
                asker,
                "X→Y",
                self.layout,
                exemplars,
                given,
                [ENGLISH, target],
                max_tokens=self.settings.max_tokens,
                step=step,
            )
            return self._looked_at(given, answer, exemplars)

        attempts = await until_accepted(self.sets, attempt)
        return Translation(id=line.id, attempts=attempts, calls=asker.calls)

    def _looked_at(self, given: Side, answer: Answer, exemplars: tuple[Exemplar, ...]) -> Attempt:
        target = self.direction.target
        if answer.texts is None:
            english, text = answer.first, ""
        else:
            english, text = answer.texts
        first = self.checker.check(
            given,
            english,
            ENGLISH,
            shown=[exemplar.text(ENGLISH) or "" for exemplar in exemplars],
            truncated=answer.truncated and answer.texts is None,
        )
        if answer.texts is None:
            lacking = Finding(
                reason="unparsed", language=target.code, detail=f"no line in {target.name}"
            )
            return Attempt(
                text="",
                english=english,
                findings=(*first.findings, lacking),
                notes=first.notes,
            )
        second = self.checker.check(
            given, text, target, shown=outputs(exemplars), truncated=answer.truncated
        )
        findings = first.findings + second.findings
        if text == english and not any(f.reason == "copy" for f in second.findings):
            findings += (
                Finding(reason="copy", language=target.code, detail="the English line again"),
            )
        return Attempt(
            text=text,
            english=english,
            findings=findings,
            notes=tuple(dict.fromkeys(first.notes + second.notes)),
        )


def _same(pair: Exemplar, sets: tuple[tuple[Exemplar, ...], ...], alike: float) -> str | None:
    """The exemplar that is made of the same line, or says the same in English."""
    english = words(pair.sides[0].text)
    for exemplar in (exemplar for exemplars in sets for exemplar in exemplars):
        if exemplar.id == pair.id or overlap(words(exemplar.sides[0].text), english) >= alike:
            return exemplar.id
    return None
