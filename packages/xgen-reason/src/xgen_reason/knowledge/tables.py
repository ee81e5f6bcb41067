"""Tables as a source of knowledge: the question's own, or those of a file, asked in SQL.

SQL ──▶ a process that can only read ──▶ rows ──▶ in words, with their numbers
 ▲                                        │ none
 └── strings as the table writes them ◀───┘
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from xgen_core import InputError
from xgen_core.files import sha256_file
from xgen_reason.evidence import Attempt, Evidence, Found, Query, QueryLanguage
from xgen_reason.knowledge.columns import Cell
from xgen_reason.knowledge.injection import suspicion
from xgen_reason.knowledge.source import Source
from xgen_reason.knowledge.sql_process import Answer, SqlProcess
from xgen_reason.knowledge.sql_table import SqlTable
from xgen_reason.knowledge.sql_text import grounded, located, tokens
from xgen_reason.knowledge.table_files import SEARCHED, is_database, read_database, read_table
from xgen_reason.knowledge.words import content_words
from xgen_reason.question import Question

__all__ = ["SqlSource", "TableSource", "open_tables"]

_SECONDS = 2.0
_PROCESSES = 2
_READ_ROWS = 20
"""Rows of a result that are read out; more are counted."""


@runtime_checkable
class SqlSource(Source, Protocol):
    """A source that is asked in SQL, and says what there is to ask."""

    async def layout(self, question: Question) -> str:
        """Tables, columns and first rows as prompts show them; empty where there is no table."""
        ...


class TableSource:
    """Tables in SQLite; queries run in processes that read those tables and can do nothing else.

    A query in words (`language="text"`) gives the rows that share the most telling words with it.
    """

    def __init__(
        self,
        tables: Sequence[SqlTable] = (),
        *,
        path: Path | None = None,
        fingerprint: str = "",
        seconds: float = _SECONDS,
    ) -> None:
        """Prepare it.

        Args:
            tables: to be asked; none for the table that comes with each question.
            path: of the database that has them; None where the tables hold their rows.
            fingerprint: of the file.
            seconds: deadline of a query.
        """
        self._tables = tuple(tables)
        self._path = path
        self._fingerprint = fingerprint
        self._seconds = seconds
        self._threads: ThreadPoolExecutor | None = None
        self._processes: list[SqlProcess] = []

    @property
    def name(self) -> str:
        """`table`."""
        return "table"

    @property
    def language(self) -> QueryLanguage:
        """SQL, as SQLite speaks it."""
        return "sql"

    @property
    def summary(self) -> str:
        """What it knows."""
        if not self._tables:
            return "the table that comes with the question"
        named = ", ".join(f"{t.title or t.name} ({', '.join(t.names[:8])})" for t in self._tables)
        return f"tables: {named}"

    @property
    def fingerprint(self) -> str:
        """Of the file."""
        return self._fingerprint or "the question's own table"

    async def __aenter__(self) -> Self:
        """Ready it for questions."""
        self._threads = ThreadPoolExecutor(_PROCESSES, thread_name_prefix="tables")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for queries that run, which their deadline ends, and end the processes."""
        if self._threads is not None:
            await asyncio.to_thread(self._threads.shutdown)
        while self._processes:
            self._processes.pop().close()

    async def layout(self, question: Question) -> str:
        """Tables, columns and first rows as prompts show them; empty where there is no table."""
        return "\n".join(table.layout() for table in self._asked(question))

    async def search(self, query: Query, question: Question, *, limit: int) -> Found:
        """Run a query, or rank rows by words.

        A query whose result is empty, or nothing but zeros, runs once more with its strings as the
        table writes them, if all its rows are at hand; that is an attempt of its own.
        """
        if self._threads is None:
            raise ValueError("enter the source before it is asked: async with")
        work = asyncio.get_running_loop().run_in_executor
        return await work(self._threads, self._search, query, question, limit)

    def _asked(self, question: Question) -> tuple[SqlTable, ...]:
        if self._tables or question.table is None:
            return self._tables
        return (SqlTable.of(question.table),)

    def _search(self, query: Query, question: Question, limit: int) -> Found:
        tables = self._asked(question)
        if not tables:
            return Found(source=self.name, query=query, failure="the question has no table")
        if query.language == "text":
            evidence = self._rows_about(query.text, tables, limit)
            attempt = Attempt(text=query.text, outcome="found" if evidence else "empty")
            return Found(source=self.name, query=query, evidence=evidence, attempts=(attempt,))
        try:
            process = self._processes.pop()
        except IndexError:
            process = SqlProcess()
        try:
            return self._answered(process, query, tables)
        finally:
            self._processes.append(process)

    def _answered(self, process: SqlProcess, query: Query, tables: tuple[SqlTable, ...]) -> Found:
        sql = query.text.strip().rstrip(";")
        asked, answer = query, self._run(process, sql, tables)
        attempts = [Attempt(text=query.text, outcome=_outcome(answer))]
        if not answer.error and _hollow(answer) and not any(t.more for t in tables):
            names = [n for t in tables for n in (t.name, t.alias, *t.names)]
            corrected = grounded(sql, names, _values(tables))
            if corrected is not None:
                again = self._run(process, corrected, tables)
                attempts.append(Attempt(text=corrected, outcome=_outcome(again)))
                if not again.error and not _hollow(again):
                    asked = Query(text=corrected, language="sql", topic=query.topic)
                    answer = again
        found = () if answer.error or _empty(answer) else (self._cited(asked, answer, tables),)
        failure = answer.error if answer.kind in ("limit", "load") else ""
        return Found(
            source=self.name, query=asked, evidence=found, attempts=tuple(attempts), failure=failure
        )

    def _run(self, process: SqlProcess, sql: str, tables: tuple[SqlTable, ...]) -> Answer:
        """With the numbers of rows as first column where they can be had."""
        if any(token.lower == "explain" for token in tokens(sql)[:1]):
            return Answer(error="EXPLAIN is refused: a query may only SELECT", kind="query")
        key = self._fingerprint or tables[0].fingerprint
        numbered = located(sql)
        if numbered is not None:
            answer = process.run(numbered, tables, self._path, key, self._seconds)
            if answer.kind != "query":  # a view has no numbers; a deadline is met only once
                return answer
        answer = process.run(sql, tables, self._path, key, self._seconds)
        if answer.error:
            return answer
        return Answer(
            columns=("", *answer.columns),
            rows=tuple((None, *row) for row in answer.rows),
            more=answer.more,
        )

    def _cited(self, query: Query, answer: Answer, tables: tuple[SqlTable, ...]) -> Evidence:
        words = {token.text.strip('"`[]').lower() for token in tokens(query.text)}
        table = next((t for t in tables if words & {t.name.lower(), t.alias.lower()}), tables[0])
        shown = answer.rows[:_READ_ROWS]
        texts = [table.read_aloud(answer.columns[1:], row[1:]) for row in shown]
        if answer.more or len(answer.rows) > len(shown):
            total = "more than " * answer.more + f"{len(answer.rows)}"
            texts.append(f"{total} rows in all")
        numbers = ", ".join(f"{row[0]}" for row in shown if row[0] is not None)
        rows = f" row{'s' * (len(shown) > 1)} {numbers}" if numbers else ""
        text = _sentence(table, "; ".join(texts))
        return Evidence(
            text=text,
            source=self.name,
            locator=f"{table.name}{rows}: {' '.join(query.text.split())}",
            title=table.title or table.name,
            score=1.0,
            suspicious=suspicion(text),
        )

    def _rows_about(
        self, text: str, tables: tuple[SqlTable, ...], limit: int
    ) -> tuple[Evidence, ...]:
        """Rows that share words with a text, by the summed rarity of the words they share."""
        wanted = set(content_words(text))
        rows = [
            (table, number, row, wanted.intersection(content_words(_joined(row))))
            for table in tables
            for number, row in enumerate(table.rows[:SEARCHED], 1)
        ]
        seen = Counter(word for *_, shared in rows for word in shared)
        scored = [
            (math.fsum(math.log(1 + len(rows) / seen[w]) for w in sorted(shared)), table, n, row)
            for table, n, row, shared in rows
            if shared
        ]
        scored.sort(key=lambda item: -item[0])
        return tuple(
            Evidence(
                text=(spoken := _sentence(table, table.read_aloud(table.names, row))),
                source=self.name,
                locator=f"{table.name} row {number}",
                title=table.title or table.name,
                score=score,
                suspicious=suspicion(spoken),
            )
            for score, table, number, row in scored[:limit]
        )


def open_tables(rest: str) -> TableSource:
    """The source `table:` (the question's own table) or `table:FILE`.

    Raises:
        InputError: the file cannot be read as a table.
    """
    if not rest:
        return TableSource()
    path = Path(rest).expanduser()
    if is_database(path):
        return TableSource(read_database(path), path=path, fingerprint=sha256_file(path))
    table = SqlTable.of(read_table(path))
    if not table.rows:
        raise InputError(f"{path}: headings, and no row below them")
    return TableSource((table,), fingerprint=sha256_file(path))


def _outcome(answer: Answer) -> str:
    return answer.error or ("empty" if _empty(answer) else "found")


def _empty(answer: Answer) -> bool:
    """No rows, or one of nothing, which is what `max` of no rows gives."""
    return all(cell is None for row in answer.rows for cell in row[1:])


def _hollow(answer: Answer) -> bool:
    """Empty, or a count of nothing, which a misspelt string gives."""
    return all(cell in (None, 0) for row in answer.rows for cell in row[1:])


def _values(tables: tuple[SqlTable, ...]) -> list[str]:
    cells = (cell for t in tables for row in t.rows for cell in row if isinstance(cell, str))
    return list(dict.fromkeys(cells))


def _sentence(table: SqlTable, text: str) -> str:
    return f"{table.title}: {text}" if table.title else text


def _joined(row: Sequence[Cell]) -> str:
    return " ".join(f"{cell}" for cell in row if cell is not None)
