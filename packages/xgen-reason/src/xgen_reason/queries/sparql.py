"""SPARQL for a sentence: written by a model in label form, linked, run, mended and relaxed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

from xgen_core.lm.asker import Asker
from xgen_reason.evidence import Attempt, Found, Query, QueryLanguage
from xgen_reason.knowledge.linking import Candidate, Mention, choices
from xgen_reason.knowledge.polite import NoAnswerError
from xgen_reason.knowledge.source import Source
from xgen_reason.knowledge.sparql_tokens import one_line
from xgen_reason.prompts import PromptSet
from xgen_reason.queries.label_form import mentions, stand_ins, to_ids
from xgen_reason.queries.relaxation import listings, relaxations
from xgen_reason.queries.reply import read_query
from xgen_reason.question import Question

__all__ = ["GraphSource", "SparqlQueries"]

_STAGE = "sparql"
_LISTED = 200
"""Triples of a listing that are looked at for those that fit the sentence best."""

_WORDS = re.compile(r"\w+")


@runtime_checkable
class GraphSource(Source, Protocol):
    """A source of SPARQL that knows what its things are called."""

    async def check(self, query: str) -> str:
        """What is wrong with a query before it is run, in one line; empty where nothing is."""
        ...

    async def link(self, mention: Mention, context: str) -> tuple[Candidate, ...]:
        """What a name may mean, best first; none where nothing is called so.

        Raises:
            NoAnswerError: a live source does not say.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SparqlQueries:
    """Asks graphs: `QueryWriter` for SPARQL.

    The model writes a query in label form (`wd:/label/`). One that does not parse goes back to it
    with what the parser says. Labels are linked; combinations of candidates are run, best first,
    until one finds something. Then milder queries are tried, and in the end what the graph says of
    the entities is listed. Where that gives nothing either, the evidence is empty and the attempts
    say why.

    Attributes:
        repairs: how often a query that does not parse is sent back.
        combinations: of candidates that are run.
        failures: of the source (deadlines, say) after which it is left alone.
    """

    repairs: int = 2
    combinations: int = 6
    failures: int = 2

    @property
    def language(self) -> QueryLanguage:
        """`"sparql"`."""
        return "sparql"

    async def inquire(
        self,
        asker: Asker,
        prompts: PromptSet,
        source: Source,
        question: Question,
        sentence: str,
        *,
        step: int,
        limit: int,
    ) -> Found:
        """Ask a graph about a sentence; see `QueryWriter.inquire`."""
        empty = Found(source=source.name, query=Query(text="", language="sparql", topic=sentence))
        if not isinstance(source, GraphSource):
            return replace(empty, failure=f"source {source.name!r} does not link names")
        search = _Search(
            source=source,
            question=question,
            topic=sentence,
            limit=limit,
            patience=self.failures,
        )
        query = await self._write(asker, prompts, search, step)
        if query is None:
            last = search.attempts[-1]
            return replace(
                empty,
                query=search.query(last.text),
                attempts=tuple(search.attempts),
                failure=f"the model wrote no usable query: {last.outcome}",
            )
        found = await self._answer(search, query)
        if found is not None:
            return replace(found, attempts=tuple(search.attempts), failure="")
        return replace(
            empty,
            query=search.query(search.attempts[-1].text if search.attempts else query),
            attempts=tuple(search.attempts),
            failure=search.failure,
        )

    async def _write(
        self, asker: Asker, prompts: PromptSet, search: _Search, step: int
    ) -> str | None:
        """A query in label form that parses; None, and attempts that say why, where there is none.

        Raises:
            InputError: the prompts have no stage for it.
            ModelError: the model failed.
        """
        stage = prompts.prompt(_STAGE)
        fields = {"question": search.question.full, "sentence": search.topic}
        first = prompts.render(_STAGE, fields)
        prompt, again = first, first.rpartition("\n")[2]
        for _ in range(self.repairs + 1):
            replies = await asker.ask(
                _STAGE, prompt, max_tokens=stage.max_tokens, stop=stage.stop, step=step
            )
            written = read_query(replies[0].text)
            problem = await search.source.check(stand_ins(written)) if written else "no query"
            if not problem:
                return written
            search.attempts.append(Attempt(text=written, outcome=problem))
            shown = one_line(written, labels=True)
            prompt = f"{first} {shown}\nProblem: {problem}\n{again}"
        return None

    async def _answer(self, search: _Search, query: str) -> Found | None:
        """The first evidence on the way down, or None."""
        named = mentions(query)
        context = f"{search.question.text} {search.topic}"
        try:
            options = await asyncio.gather(*(search.source.link(m, context) for m in named))
        except NoAnswerError as error:
            search.attempts.append(Attempt(text=query, outcome=f"{error}"))
            search.failure = f"{error}"
            return None
        lost = [mention for mention, found in zip(named, options, strict=True) if not found]
        if lost:
            what = ", ".join(f"no {m.kind} is called {m.label!r}" for m in lost)
            search.attempts.append(Attempt(text=query, outcome=what))
        best = ""
        for chosen in choices(options, limit=self.combinations):
            ids = {m: c.id for m, c in zip(named, chosen, strict=True)}
            linked = to_ids(query, ids)
            best = best or linked
            if found := await search.run(linked):
                return found
            if search.failure:
                return None
        for change, relaxed in relaxations(best) if best else ():
            if found := await search.run(f"# {change}\n{relaxed}"):
                return found
            if search.failure:
                return None
        entities = [
            found[0].id
            for mention, found in zip(named, options, strict=True)
            if mention.kind == "entity" and found
        ]
        return await search.list(entities)


@dataclass(slots=True, kw_only=True)
class _Search:
    """One inquiry under way: what is asked about, what has been tried, and why it is given up."""

    source: GraphSource
    question: Question
    topic: str
    limit: int
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    patience: int
    failure: str = ""

    def query(self, text: str) -> Query:
        return Query(text=text, language="sparql", topic=self.topic)

    async def run(self, text: str, *, limit: int | None = None) -> Found | None:
        """Run a query with ids and note it; None where it found nothing."""
        query = self.query(text)
        found = await self.source.search(query, self.question, limit=limit or self.limit)
        outcome = found.failure or ("found" if found.evidence else "empty")
        self.attempts.append(Attempt(text=text, outcome=outcome))
        if found.failure:
            self.patience -= 1
            self.failure = found.failure if self.patience <= 0 else ""
        return found if found.evidence else None

    async def list(self, entities: Sequence[str]) -> Found | None:
        """What the graph says of the entities, the triples that share most with the topic first."""
        listed: list[Found] = []
        for entity in dict.fromkeys(entities):
            for query in listings(entity, limit=_LISTED):
                if found := await self.run(f"# all triples\n{query}", limit=_LISTED):
                    listed.append(found)
        if not listed:
            return None
        wanted = _words(f"{self.topic} {self.question.text}")
        pieces = [piece for found in listed for piece in found.evidence]
        pieces.sort(key=lambda piece: -len(wanted & _words(piece.text)))
        return replace(listed[0], evidence=tuple(pieces[: self.limit]))


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORDS.findall(text.casefold()))
