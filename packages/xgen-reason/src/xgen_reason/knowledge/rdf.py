"""Knowledge in RDF files and stores: SPARQL over a graph in a process that can be killed."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from xgen_core import InputError
from xgen_core.files import sha256_file
from xgen_core.progress import Progress
from xgen_reason.evidence import Evidence, Found, Query, QueryLanguage
from xgen_reason.knowledge.graph_process import GraphProcess
from xgen_reason.knowledge.injection import suspicion
from xgen_reason.knowledge.labels import LabelIndex
from xgen_reason.knowledge.linking import Candidate, Mention, candidates
from xgen_reason.knowledge.reply import reply
from xgen_reason.knowledge.settings import positive, split_settings
from xgen_reason.knowledge.source import Source
from xgen_reason.knowledge.sparql_guard import (
    parse_problem,
    refusal,
    without_label_service,
)
from xgen_reason.knowledge.sparql_tokens import one_line
from xgen_reason.knowledge.verbalise import Answer, verbalise
from xgen_reason.question import Question

__all__ = ["RdfSource", "open_rdf"]

_ENDINGS = (".ttl", ".nt", ".nq", ".trig", ".rdf")
SECONDS, ROWS, MEMORY = 5.0, 1_000, 4
"""Deadline of a query, rows that are read of its answer, GB of its process."""

_LOADING_SECONDS = 600.0


def open_rdf(rest: str) -> AbstractAsyncContextManager[Source]:
    """The source `rdf:FILE`; `?language=de`, `seconds=10`, `rows=200`, `memory=8` (GB) may follow.

    Raises:
        InputError: no such file, an ending that is no format, or an unknown setting.
        MissingExtraError: pyoxigraph is not installed.
    """
    path, settings = split_settings(rest, ("language", "seconds", "rows", "memory"))
    if not path:
        raise InputError("source 'rdf:' needs a file: rdf:FILE.ttl")
    return RdfSource(
        Path(path).expanduser(),
        language=settings.get("language", "en"),
        seconds=positive(settings, "seconds", SECONDS),
        rows=max(1, int(positive(settings, "rows", ROWS))),
        memory=int(positive(settings, "memory", MEMORY) * 2**30),
    )


class RdfSource:
    """SPARQL over an RDF file or an on-disk store of pyoxigraph; an async context manager.

    Queries only read, and only here: see `xgen_reason.knowledge.sparql_guard` for what is refused.
    One that overruns its deadline is stopped within a second. It answers SELECT and ASK.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str = "rdf",
        language: str = "en",
        seconds: float = SECONDS,
        rows: int = ROWS,
        memory: int = MEMORY << 30,
    ) -> None:
        """Describe it; entering it opens the graph.

        Args:
            path: a file in Turtle, N-Triples, N-Quads, TriG or RDF/XML, by its ending, or the
                directory of a store. All named graphs are read as one.
            name: of the source.
            language: of the labels that sentences are made of.
            seconds: deadline of a query.
            rows: of an answer, at most.
            memory: bytes of address space for the graph's process.

        Raises:
            InputError: no such file, or its ending is another.
            MissingExtraError: pyoxigraph is not installed.
        """
        if not path.exists():
            raise InputError(f"source rdf:{path}: no such file or directory")
        if path.is_file() and path.suffix.lower() not in _ENDINGS:
            raise InputError(
                f"source rdf:{path}: what format it has is read from its ending, which must be one "
                f"of {' '.join(_ENDINGS)}"
            )
        if seconds <= 0 or rows < 1:
            raise ValueError(f"seconds and rows must be positive, got {seconds} and {rows}")
        self._path = path
        self._name = name
        self._speech = language
        self._seconds = seconds
        self._rows = rows
        self._process = GraphProcess(path, memory=memory)
        self._index: LabelIndex | None = None
        self._fingerprint = ""

    @property
    def name(self) -> str:
        """As it was given, `"rdf"` by default."""
        return self._name

    @property
    def language(self) -> QueryLanguage:
        """`"sparql"`."""
        return "sparql"

    @property
    def summary(self) -> str:
        """Size and file."""
        return f"graph of {self._process.triples:,} triples in {self._path.name}"

    @property
    def fingerprint(self) -> str:
        """Of the file's bytes, or of a store's manifest and the names and sizes of its parts."""
        return self._fingerprint

    @property
    def process(self) -> GraphProcess:
        """What runs its queries."""
        return self._process

    async def __aenter__(self) -> Self:
        """Open the graph and read what its things are called.

        Raises:
            InputError: it cannot be read.
        """
        with Progress(f"opening {self._path.name}", 3, unit="steps") as progress:
            shown = asyncio.create_task(_show(progress))
            try:
                self._fingerprint = _fingerprint(self._path)
                progress.advance()
                await self._process.__aenter__()
                progress.advance()
                found = await self._process.ask({"names": self._speech}, seconds=_LOADING_SECONDS)
            finally:
                shown.cancel()
        if "error" in found:
            await self._process.__aexit__(None, None, None)
            raise InputError(f"{self._path}: its names: {found['error']}")
        self._index = LabelIndex.of_graph(found)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End its process."""
        if self._index is not None:
            self._index.close()
            self._index = None
        await self._process.__aexit__(kind, error, trace)

    async def check(self, query: str) -> str:
        """What is wrong with a query before it is run, in one line; empty where nothing is."""
        return await self._process.check(query, seconds=self._seconds)

    async def link(self, mention: Mention, context: str) -> tuple[Candidate, ...]:
        """What a name may mean here; see `xgen_reason.knowledge.linking.candidates`."""
        return candidates(self._names, mention, context)

    async def search(self, query: Query, question: Question, *, limit: int) -> Found:
        """Run a query; see `Source.search`."""
        del question
        text = without_label_service(query.text)
        if query.language != "sparql":
            failure = f"{self._name} takes SPARQL, not {query.language}"
            return reply(self._name, query, failure=failure)
        if reason := refusal(text):
            return reply(self._name, query, failure=reason)
        found = await self._process.ask({"query": text, "rows": self._rows}, seconds=self._seconds)
        if "error" in found:
            failure = parse_problem(text, found["error"])
            return reply(self._name, query, failure=failure)
        sentences = verbalise(Answer.of_worker(found), text, self._names.label, limit=limit)
        where = f"{self._path.name}: {one_line(query.text)}"
        evidence = tuple(
            Evidence(
                text=sentence,
                source=self._name,
                locator=where,
                title=self._path.name,
                suspicious=suspicion(sentence),
            )
            for sentence in sentences
        )
        return reply(self._name, query, evidence)

    @property
    def _names(self) -> LabelIndex:
        if self._index is None:
            raise RuntimeError("this source is not entered: async with open_source(…)")
        return self._index


async def _show(progress: Progress) -> None:
    while True:
        await asyncio.sleep(1)
        progress.advance(0)


def _fingerprint(path: Path) -> str:
    if path.is_file():
        return sha256_file(path)
    digest = hashlib.sha256()
    for part in sorted(path.iterdir()):
        if part.suffix == ".sst":
            digest.update(f"{part.name} {part.stat().st_size}\n".encode())
        elif part.name.startswith("MANIFEST"):
            digest.update(f"{part.name} {sha256_file(part)}\n".encode())
    return digest.hexdigest()
