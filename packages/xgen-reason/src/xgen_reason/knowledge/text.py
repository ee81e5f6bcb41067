"""`text:INDEX`: sentences of local documents: passages are found by BM25, their sentences ranked.

Settings: `?rank=bm25|tfidf|dense|dense-cosine`, `passages=N` to look into, `seconds=N` a search.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from xgen_core import XgenError
from xgen_reason.evidence import Evidence, Found, Query, QueryLanguage
from xgen_reason.knowledge.index import Passage, TextIndex
from xgen_reason.knowledge.ranking import best_evidence, open_ranker
from xgen_reason.knowledge.reply import reply
from xgen_reason.knowledge.settings import positive, split_settings
from xgen_reason.question import Question

__all__ = ["TextSettings", "TextSource", "open_text", "sentence_evidence"]

_THREADS = 4
"""Searches at one time; SQLite lets go of the interpreter while it looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSettings:
    """How a text index is searched.

    Attributes:
        passages: that are looked into.
        seconds: for one search, once it has begun.
        rank: of `open_ranker`.
    """

    passages: int = 10
    seconds: float = 10.0
    rank: str = "bm25"


class TextSource:
    """A text index as a source.

    Args:
        path: of the index.
        settings: how it is searched.

    Raises:
        InputError: no such index.
        FormatError: not an index, or of another version.
    """

    def __init__(self, path: Path | str, settings: TextSettings | None = None) -> None:
        self._settings = settings or TextSettings()
        self._ranker = open_ranker(self._settings.rank)
        self._path = Path(path)
        with TextIndex(path) as index:
            self._held = index.summary
        self._threads: ThreadPoolExecutor | None = None
        self._free: queue.SimpleQueue[TextIndex] = queue.SimpleQueue()

    @property
    def name(self) -> str:
        """`text`."""
        return "text"

    @property
    def language(self) -> QueryLanguage:
        """Words."""
        return "text"

    @property
    def summary(self) -> str:
        """What it knows."""
        return f"{self._held.documents} documents of {self._path.stem}"

    @property
    def fingerprint(self) -> str:
        """Of the index, with how it is searched."""
        settings = self._settings
        return f"text:{self._held.fingerprint}:{settings.rank}:{settings.passages}"

    async def __aenter__(self) -> Self:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="text-index")
        for _ in range(_THREADS):
            self._free.put(TextIndex(self._path))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None
        while not self._free.empty():
            self._free.get().close()

    async def search(self, query: Query, question: Question, *, limit: int) -> Found:
        """Sentences; see `Source.search`."""
        if self._threads is None:
            raise RuntimeError("use the source inside 'async with'")
        loop = asyncio.get_running_loop()
        try:
            evidence = await loop.run_in_executor(self._threads, self._search, query, limit)
        except (XgenError, TimeoutError) as error:
            return reply(self.name, query, failure=f"{error}")
        return reply(self.name, query, evidence)

    def _search(self, query: Query, limit: int) -> tuple[Evidence, ...]:
        index = self._free.get()
        try:
            passages = index.search(
                query.text, limit=self._settings.passages, seconds=self._settings.seconds
            )
        finally:
            self._free.put(index)
        pieces = sentence_evidence(passages, self.name)
        return best_evidence(query.topic or query.text, pieces, self._ranker, limit=limit)


def sentence_evidence(passages: Sequence[Passage], source: str) -> list[Evidence]:
    """Each sentence of the passages as a piece of evidence, not ranked yet."""
    return [
        Evidence(
            text=sentence,
            source=source,
            locator=f"{passage.document}, sentence {number}",
            title=passage.title,
        )
        for passage in passages
        for number, sentence in enumerate(passage.sentences, passage.first)
    ]


def open_text(rest: str) -> TextSource:
    """The source `text:REST`."""
    path, settings = split_settings(rest, ("rank", "passages", "seconds"))
    chosen = TextSettings(
        passages=round(positive(settings, "passages", 10)) or 1,
        seconds=positive(settings, "seconds", 10.0),
        rank=settings.get("rank", "bm25"),
    )
    return TextSource(path, chosen)
