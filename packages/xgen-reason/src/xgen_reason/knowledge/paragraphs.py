"""`paragraphs:`: the paragraphs that a data set gives with a question; an oracle, for comparison.

`paragraphs:whole` (the default) takes each as one piece, as Verify-and-Edit does for HotpotQA;
`paragraphs:sentences` takes their sentences, as it does for 2WikiMultihopQA and FEVER. A setting
`?rank=…` as for `text:`.
"""

from __future__ import annotations

from xgen_core import InputError
from xgen_core.codec import unknown_name
from xgen_reason.evidence import Evidence, Found, Query, QueryLanguage
from xgen_reason.knowledge.opened import Opened
from xgen_reason.knowledge.ranking import Ranker, best_evidence, open_ranker
from xgen_reason.knowledge.reply import reply
from xgen_reason.knowledge.sentences import split_sentences
from xgen_reason.knowledge.settings import split_settings
from xgen_reason.question import Question

__all__ = ["ParagraphSource", "open_paragraphs"]

_PIECES = ("whole", "sentences")


class ParagraphSource(Opened):
    """A question's own paragraphs, ranked by the query; those that share no word with it come last.

    Args:
        pieces: `whole` paragraphs or their `sentences`.
        rank: of `open_ranker`.

    Raises:
        InputError: other pieces, or another ranking.
    """

    def __init__(self, pieces: str = "whole", *, rank: str = "bm25") -> None:
        if pieces not in _PIECES:
            raise InputError(f"source 'paragraphs': {unknown_name(pieces, _PIECES, 'setting')}")
        super().__init__()
        self._pieces = pieces
        self._rank = rank
        self._ranker: Ranker = open_ranker(rank)

    @property
    def name(self) -> str:
        """`paragraphs`."""
        return "paragraphs"

    @property
    def language(self) -> QueryLanguage:
        """Words."""
        return "text"

    @property
    def summary(self) -> str:
        """What it knows."""
        return "the paragraphs that the data set gives with the question"

    @property
    def fingerprint(self) -> str:
        """How pieces are cut and ranked; what they say comes with the question."""
        return f"paragraphs:{self._pieces}:{self._rank}"

    async def search(self, query: Query, question: Question, *, limit: int) -> Found:
        """Pieces of the question's paragraphs; see `Source.search`."""
        found = best_evidence(
            query.topic or query.text,
            self._evidence(question),
            self._ranker,
            limit=limit,
            keep=True,
        )
        return reply(self.name, query, found)

    def _evidence(self, question: Question) -> list[Evidence]:
        pieces: list[Evidence] = []
        for place, paragraph in enumerate(question.paragraphs, 1):
            whole = self._pieces == "whole"
            texts = (paragraph.text.strip(),) if whole else split_sentences(paragraph.text)
            for number, text in enumerate(texts, 1):
                locator = f"paragraph {place}" + ("" if whole else f", sentence {number}")
                pieces.append(
                    Evidence(text=text, source=self.name, locator=locator, title=paragraph.title)
                )
        return [piece for piece in pieces if piece.text]


def open_paragraphs(rest: str) -> ParagraphSource:
    """The source `paragraphs:REST`."""
    pieces, settings = split_settings(rest, ("rank",))
    return ParagraphSource(pieces or "whole", rank=settings.get("rank", "bm25"))
