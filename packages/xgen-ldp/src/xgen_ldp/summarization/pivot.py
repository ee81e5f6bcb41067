"""English-pivot: translate the article, summarise it in English, translate the summary back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from xgen_core.concurrency import together
from xgen_core.lm.asker import Asker
from xgen_ldp.languages import ENGLISH
from xgen_ldp.line import Line
from xgen_ldp.methods import Translator, load_method
from xgen_ldp.summarization.article import Article
from xgen_ldp.summarization.prompted import PromptedSummarizer
from xgen_ldp.summarization.summarizer import SummaryMaterial
from xgen_ldp.summarization.summary import Summary, SummaryPreparation
from xgen_ldp.summarization.zero_shot import ZeroShotSummaries

__all__ = ["PivotSummaries", "PivotSummarizer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotSummaries:
    """Three steps.

    Attributes:
        first: method of translation into English, sentence by sentence.
        second: method of translation from English.
        first_settings, second_settings: theirs, `field=value` each.
        sentences: of an article that are translated, from its beginning.
        max_tokens: of the summary in English.
    """

    name: ClassVar[str] = "pivot"

    first: str = "zero-shot"
    second: str = "zero-shot"
    first_settings: tuple[str, ...] = ()
    second_settings: tuple[str, ...] = ()
    sentences: int = 20
    max_tokens: int = 256

    def __post_init__(self) -> None:
        if self.sentences < 1:
            raise ValueError(f"sentences must be at least 1, got {self.sentences}")

    async def prepare(self, asker: Asker, material: SummaryMaterial) -> PivotSummarizer:
        """Prepare both translators, side by side.

        Raises:
            InputError: the language is English, or a method lacks something.
            ModelError: the model failed.
        """
        into, out = material.into_english(), material.from_english()
        first, second = await together(
            [
                load_method(self.first, self.first_settings).prepare(asker.branch(), into),
                load_method(self.second, self.second_settings).prepare(asker.branch(), out),
            ]
        )
        english = ZeroShotSummaries(longest=_ALL, max_tokens=self.max_tokens)
        steps = {
            into.direction.name: first.preparation,
            out.direction.name: second.preparation,
        }
        return PivotSummarizer(
            into=first,
            english=await english.prepare(asker, replace(material, language=ENGLISH)),
            out=second,
            sentences=self.sentences,
            preparation=SummaryPreparation(steps=steps, calls=asker.calls),
        )


_ALL = 1_000_000
"""Characters: the article in English has `sentences` as its limit already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotSummarizer:
    """Two translators and a summarizer of English.

    Attributes:
        into: English.
        english: of articles in English.
        out: of English.
        sentences: of an article that are translated.
        preparation: theirs are its steps.
    """

    into: Translator
    english: PromptedSummarizer
    out: Translator
    sentences: int
    preparation: SummaryPreparation

    async def summarize(self, asker: Asker, article: Article) -> Summary:
        """Go through all steps; what is wrong with the English summary is wrong with the whole.

        Sentences whose translation is rejected are left out, with a note.

        Raises:
            ModelError: the model failed.
        """
        pieces = [
            Line(id=f"{article.id}#{number}", text=sentence)
            for number, sentence in enumerate(article.sentences[: self.sentences], 1)
        ]
        made = await together([self.into.translate(asker.branch(), piece) for piece in pieces])
        accepted = [one.text for one in made if one.accepted]
        notes = _left_out(len(article.sentences), len(pieces), len(accepted))
        if not accepted:
            return Summary(
                id=article.id,
                text="",
                findings=made[0].last.findings,
                notes=notes,
                calls=asker.calls,
            )
        whole = " ".join(accepted)
        english = await self.english.summarize(asker.branch(), Article(id=article.id, text=whole))
        told = Summary(
            id=article.id,
            text="",
            english_article=whole,
            english=english.text,
            findings=english.findings,
            notes=notes + english.notes,
            calls=asker.calls,
        )
        if not english.text:
            return told
        back = await self.out.translate(asker.branch(), Line(id=article.id, text=english.text))
        return replace(
            told,
            text=back.text,
            findings=told.findings + back.last.findings,
            notes=told.notes + back.last.notes,
            calls=asker.calls,
        )


def _left_out(whole: int, read: int, accepted: int) -> tuple[str, ...]:
    notes = [f"the first {read} of {whole} sentences were read"] if read < whole else []
    if accepted < read:
        notes.append(f"{read - accepted} of {read} sentences have no accepted translation")
    return tuple(notes)
