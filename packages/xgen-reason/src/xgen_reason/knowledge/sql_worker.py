"""The process that runs SQL for us: requests and replies are lines of JSON on its two pipes.

It runs as a script of its own, with the standard library alone, because what a query can do to the
process that runs it has no other bound: SQLite expands nested queries before it first asks whether
to go on, so a query of a thousand characters can take gigabytes without a single step. Inside it:

- an authorizer lets queries read the tables that were loaded and call functions of a list; whatever
  else a statement may be (a write, ATTACH, PRAGMA) is refused before it begins;
- limits on the length of a value, the depth of an expression, the size of a program, and columns;
- a progress handler that stops a query at its deadline; the parent ends the process if that fails;
- an address-space limit above what the loaded tables take, and no file may grow.

A request is `{"load": …}` with tables or a database file, or `{"sql": …}`; see `serve`.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

__all__ = ["Database", "guard", "serve"]

MEMORY = 256 * 2**20
"""Bytes that a query may take."""

FUNCTIONS = frozenset(
    """abs avg ceil ceiling coalesce count cume_dist dense_rank first_value floor glob
    group_concat ifnull iif instr lag last_value lead length like lower ltrim max min mod
    nth_value ntile nullif percent_rank pow power rank replace round row_number rtrim sign
    sqrt substr substring sum total trim typeof unicode upper""".split()  # noqa: SIM905 - words, not quotes
)
"""What queries may call: pure, and no larger a result than its arguments."""

LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 10_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 500,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 25_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 20,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 100,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}

_ROWS = 200
_BYTES = 100_000
_REFUSED = {
    sqlite3.SQLITE_ATTACH: "ATTACH",
    sqlite3.SQLITE_DETACH: "DETACH",
    sqlite3.SQLITE_DELETE: "DELETE",
    sqlite3.SQLITE_INSERT: "INSERT",
    sqlite3.SQLITE_PRAGMA: "PRAGMA",
    sqlite3.SQLITE_TRANSACTION: "a transaction",
    sqlite3.SQLITE_UPDATE: "UPDATE",
}


class Database:
    """Tables that can be read, and nothing else."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take over a connection with its tables loaded."""
        self.connection = connection
        self.refusal = ""
        self._deadline = 0.0
        guard(self)

    def stop(self) -> bool:
        """Whether the deadline is past; SQLite asks every thousand steps."""
        return time.monotonic() > self._deadline

    def run(self, sql: str, seconds: float) -> dict[str, Any]:
        """Run one statement.

        Returns:
            `columns`, `rows` and `more` (whether rows were left out), or `error` and `kind`:
            `"query"` for one that is wrong or refused, `"limit"` for one that took too much.
        """
        self.refusal = ""
        self._deadline = time.monotonic() + seconds
        try:
            cursor = self.connection.execute(sql)
            if cursor.description is None:
                return {"error": "not a query: expected one SELECT", "kind": "query"}
            columns = [name for name, *_ in cursor.description]
            rows: list[list[Any]] = []
            size, more = 0, False
            for row in cursor:
                size += sum(len(cell) if isinstance(cell, str) else 8 for cell in row)
                if len(rows) == _ROWS or size > _BYTES:
                    more = True
                    break
                rows.append([_plain(cell) for cell in row])
            cursor.close()
        except MemoryError:
            return {"error": "it takes too much memory", "kind": "limit"}
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            if "interrupted" in str(error):
                return {"error": f"it was stopped after {seconds:g} s", "kind": "limit"}
            return {"error": self.refusal or str(error), "kind": "query"}
        return {"columns": columns, "rows": rows, "more": more}


def guard(database: Database) -> None:
    """Put the authorizer, the limits and the deadline on a database's connection."""
    connection = database.connection
    readable = {
        name.lower()
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') "
            "UNION ALL SELECT name FROM sqlite_temp_schema WHERE type = 'view'"
        )
        if not name.lower().startswith("sqlite_")
    }

    def allow(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ and (first or "").lower() in readable:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in FUNCTIONS:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            database.refusal = f"the function {second} is not available"
        elif action == sqlite3.SQLITE_READ:
            database.refusal = f"the table {first} may not be read"
        else:
            what = _REFUSED.get(action, "a change of the schema")
            database.refusal = f"{what} is refused: a query may only SELECT"
        return sqlite3.SQLITE_DENY

    for limit, value in LIMITS.items():
        connection.setlimit(limit, value)
    connection.set_authorizer(allow)
    connection.set_progress_handler(database.stop, 1000)


def load(tables: list[dict[str, Any]], path: str | None) -> Database:
    """A database in memory from tables, or one that is a file, opened for reading alone.

    Args:
        tables: each with `name`, `alias` (may be empty), and for one in memory `columns` (pairs of
            name and type) and `rows`.
        path: of the file; None for one in memory.
    """
    if path is None:
        connection = sqlite3.connect(":memory:")
        for table in tables:
            columns = ", ".join(f"{_quoted(name)} {kind}" for name, kind in table["columns"])
            connection.execute(f"CREATE TABLE {_quoted(table['name'])} ({columns})")
            marks = ", ".join("?" * len(table["columns"]))
            insert = f"INSERT INTO {_quoted(table['name'])} VALUES ({marks})"  # noqa: S608 - quoted
            connection.executemany(insert, table["rows"])
        connection.commit()
    else:
        connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA temp_store = MEMORY")
    for table in tables:
        if table["alias"]:
            name, alias = _quoted(table["name"]), _quoted(table["alias"])
            view = f"CREATE TEMP VIEW {alias} AS SELECT * FROM main.{name}"  # noqa: S608 - quoted
            connection.execute(view)
    connection.execute("PRAGMA query_only = ON")
    return Database(connection)


def serve() -> None:
    """Answer requests until the pipe ends."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    database: Database | None = None
    for line in sys.stdin.buffer:
        request = json.loads(line)
        reply: dict[str, Any] = {}
        if "load" in request:
            _bound_memory(None)
            database = None
            try:
                database = load(request["load"], request["path"])
            except (sqlite3.Error, ValueError) as error:
                reply = {"error": f"{error}", "kind": "load"}
            _bound_memory(MEMORY)
        elif database is None:
            reply = {"error": "no table is loaded", "kind": "load"}
        else:
            reply = database.run(request["sql"], request["seconds"])
        sys.stdout.buffer.write(json.dumps(reply).encode("ascii") + b"\n")
        sys.stdout.buffer.flush()


def _bound_memory(more: int | None) -> None:
    """Allow so many bytes of address space above those in use; None lifts the bound."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    statm = Path("/proc/self/statm")
    bound = hard
    if more is not None and statm.exists():
        bound = int(statm.read_text().split()[0]) * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (bound, hard))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _plain(cell: Any) -> Any:
    """Bytes and infinities have no JSON form."""
    if isinstance(cell, bytes):
        return f"({len(cell)} bytes)"
    return str(cell) if isinstance(cell, float) and not abs(cell) < float("inf") else cell


if __name__ == "__main__":
    serve()
