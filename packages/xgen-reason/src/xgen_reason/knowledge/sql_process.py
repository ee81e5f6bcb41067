"""A process of `sql_worker` as its parent sees it: asked, waited for, ended when it overstays."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal, cast

from xgen_core.codec import JSON, decode
from xgen_core.records import Record
from xgen_reason.knowledge import sql_worker
from xgen_reason.knowledge.columns import Cell
from xgen_reason.knowledge.sql_table import SqlTable

__all__ = ["Answer", "SqlProcess"]

_GRACE = 0.5
"""Seconds past a query's deadline that the process has to say so itself."""

_LOADING = 60.0
_LIBRARIES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""What a Python may need of the environment to start; nothing else of it is handed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Record):
    """What came of one query.

    Attributes:
        columns, rows: the result.
        more: whether rows were left out, since it has too many.
        error: what was wrong, in one line; empty where nothing was.
        kind: of the error: the query is wrong or refused; it took too much time or memory; the
            table could not be loaded.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    more: bool = False
    error: str = ""
    kind: Literal["", "query", "limit", "load"] = ""


class SqlProcess:
    """One process with one set of tables loaded; started when it is first asked.

    Not for two threads at once.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._loaded = ""

    def run(
        self, sql: str, tables: tuple[SqlTable, ...], path: Path | None, key: str, seconds: float
    ) -> Answer:
        """Run a query.

        Args:
            sql: one statement.
            tables: to be loaded, or for a file just their names and aliases.
            path: of a database file; None where the tables hold the rows.
            key: changes when the tables do.
            seconds: deadline of the query; the process is ended half a second later.
        """
        if self._process is None or self._loaded != key:
            load = {"load": _described(tables, path), "path": _text(path)}
            failed = self._ask(
                load, _LOADING, "the process for queries ended while it loaded tables"
            )
            if failed.error:
                return replace(failed, kind="load")
            self._loaded = key
        return self._ask(
            {"sql": sql, "seconds": seconds}, seconds + _GRACE, "it takes too much memory"
        )

    def close(self) -> None:
        """End the process; the next query starts another."""
        process, self._process, self._loaded = self._process, None, ""
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                cast("IO[bytes]", pipe).close()

    def _ask(self, request: Mapping[str, JSON], seconds: float, ended: str) -> Answer:
        """Send a request; `ended` says what it means if the process ends instead of replying."""
        process = self._process or self._start()
        requests, replies = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        try:
            requests.write(json.dumps(request).encode("ascii") + b"\n")
            requests.flush()
        except BrokenPipeError:
            return self._ended(ended)
        end = time.monotonic() + seconds
        ready = select.poll()
        ready.register(replies, select.POLLIN)
        reply = bytearray()
        while not reply.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not ready.poll(left * 1000):
                return self._ended(f"it was stopped after {seconds:g} s")
            piece = os.read(replies.fileno(), 2**16)
            if not piece:
                return self._ended(ended)
            reply += piece
        return decode(Answer, json.loads(reply))

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", sql_worker.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _LIBRARIES if name in os.environ},
            bufsize=0,
        )
        return self._process

    def _ended(self, error: str) -> Answer:
        self.close()
        return Answer(error=error, kind="limit")


def _text(path: Path | None) -> str | None:
    return None if path is None else f"{path.absolute()}"


def _described(tables: tuple[SqlTable, ...], path: Path | None) -> JSON:
    return [
        {
            "name": table.name,
            "alias": table.alias,
            "columns": [] if path else _declared(table),
            "rows": [] if path else [list(row) for row in table.rows],
        }
        for table in tables
    ]


def _declared(table: SqlTable) -> list[list[str]]:
    declared: list[list[str]] = []
    for column in table.columns:
        declared.append([column.name, "NUMERIC" if column.kind == "number" else "TEXT"])
        if column.original:
            declared.append([column.original, "TEXT"])
    return declared
