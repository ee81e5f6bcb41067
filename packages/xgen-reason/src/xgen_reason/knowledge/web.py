"""`web:PROVIDER`: what a search engine shows, in its order, never ranked anew.

`web:serper`, `web:brave`, `web:tavily`, `web:searxng:https://HOST/search`, and `web:recorded:FILE`:
JSON lines `{"query": …, "answer": {…}, "organic": [{"text": …, "title": …, "url": …}, …],
"retrieved": …}`. Settings: `?record=FILE` or `replay=FILE`, `seconds=N` for each request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from xgen_core import InputError
from xgen_core.codec import decode
from xgen_core.files import read_jsonl, sha256_file
from xgen_core.records import Record
from xgen_reason.evidence import Evidence, Found, Query, QueryLanguage
from xgen_reason.knowledge.injection import suspicion
from xgen_reason.knowledge.opened import Opened
from xgen_reason.knowledge.polite import Manners, NoAnswerError, PoliteClient
from xgen_reason.knowledge.recordings import Recordings, open_recordings
from xgen_reason.knowledge.reply import reply
from xgen_reason.knowledge.settings import positive, split_settings
from xgen_reason.knowledge.web_providers import Snippet, WebProvider, WebResults, provider_of
from xgen_reason.question import Question

__all__ = ["RecordedWeb", "RecordedWebSource", "WebSource", "open_web"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedWeb(Record):
    """One line of a file of recorded results; see `WebResults`."""

    query: str
    answer: Snippet | None = None
    organic: tuple[Snippet, ...] = ()
    retrieved: str = ""


def _evidence(results: WebResults, retrieved: str, limit: int) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            text=snippet.text,
            source="web",
            locator=snippet.url or "answer box",
            title=snippet.title,
            score=-float(place),
            retrieved=retrieved,
            suspicious=suspicion(snippet.text) or suspicion(snippet.title),
        )
        for place, snippet in enumerate(results.snippets[:limit])
    )


class WebSource(Opened):
    """A search engine as a source.

    Args:
        provider: the engine.
        headers: with its key; none for a replay.
        manners: with its host.
        recordings: of its replies.
    """

    def __init__(
        self,
        provider: WebProvider,
        *,
        headers: Mapping[str, str] | None = None,
        manners: Manners | None = None,
        recordings: Recordings | None = None,
    ) -> None:
        self._provider = provider
        host = urlsplit(provider.address).netloc
        self._client = PoliteClient([host], manners=manners, recordings=recordings)
        super().__init__(self._client)
        self._headers: Mapping[str, str] = headers or {}

    @property
    def name(self) -> str:
        """`web`."""
        return "web"

    @property
    def language(self) -> QueryLanguage:
        """Words."""
        return "text"

    @property
    def summary(self) -> str:
        """What it knows."""
        return f"the web, searched by {self._provider.name}"

    @property
    def fingerprint(self) -> str:
        """The engine's address: what it says today is in the recordings."""
        return f"web:{self._provider.name}:{self._provider.address}"

    async def search(self, query: Query, question: Question, *, limit: int) -> Found:
        """Snippets; see `Source.search`."""
        request = self._provider.request(query.text, limit)
        try:
            value, retrieved = await self._client.json(replace(request, headers=self._headers))
        except NoAnswerError as error:
            return reply(self.name, query, failure=f"{error}")
        found = _evidence(self._provider.read(value), retrieved, limit)
        return reply(self.name, query, found)


class RecordedWebSource(Opened):
    """Results from a file; a query that is not in it is a failure, not an empty answer.

    Args:
        path: JSON lines.

    Raises:
        InputError: no such file, or a line is not of the form; names file and line.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        lines = read_jsonl(path, lambda value: decode(RecordedWeb, value))
        self._results: Mapping[str, RecordedWeb] = {line.query: line for line in lines}
        self._path = path
        self._checksum = sha256_file(path)

    @property
    def name(self) -> str:
        """`web`."""
        return "web"

    @property
    def language(self) -> QueryLanguage:
        """Words."""
        return "text"

    @property
    def summary(self) -> str:
        """What it knows."""
        return f"{len(self._results)} recorded searches of the web"

    @property
    def fingerprint(self) -> str:
        """Of the file."""
        return f"web:recorded:{self._checksum}"

    async def search(self, query: Query, question: Question, *, limit: int) -> Found:
        """Snippets; see `Source.search`."""
        line = self._results.get(query.text)
        if line is None:
            return reply(self.name, query, failure=f"{self._path.name}: not a recorded query")
        results = WebResults(answer=line.answer, organic=line.organic)
        return reply(self.name, query, _evidence(results, line.retrieved, limit))


def open_web(rest: str) -> WebSource | RecordedWebSource:
    """The source `web:REST`.

    Raises:
        InputError: no such engine, its key is not set, or its settings are wrong.
    """
    head, settings = split_settings(rest, ("record", "replay", "seconds"))
    name, _, target = head.partition(":")
    if name == "recorded":
        if not target or settings:
            raise InputError(
                "source 'web:recorded' needs a file and nothing more: web:recorded:FILE"
            )
        return RecordedWebSource(Path(target))
    provider = provider_of(name, target)
    return WebSource(
        provider,
        headers={} if "replay" in settings else provider.headers,
        manners=Manners(deadline=positive(settings, "seconds", 30.0)),
        recordings=open_recordings(settings),
    )
