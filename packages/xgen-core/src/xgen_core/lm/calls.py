"""The call store, `calls.sqlite`: cache, record and trace of every answered request to a model.

    with CallStore("calls.sqlite") as store:
        async with recorded(open_model(uri), store) as model:
            await model.generate(request)  # asked once, ever

An answer is on disk before anybody uses it, so no answered request is ever made again: what a kill
costs is the calls in flight. Calls that wait to be written are committed together, one flush to
disk for all of them. Wall-clock times (`seconds`, `answered`) are here and nowhere else; the export
leaves them out, so that two runs with equal answers export equal bytes.
"""

from __future__ import annotations

import asyncio
import errno
import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from xgen_core.codec import CodecError, decode
from xgen_core.errors import FormatError, InputError
from xgen_core.files import write_jsonl
from xgen_core.lm.lock import WriterLock
from xgen_core.lm.recorded_call import Answer, RecordedCall
from xgen_core.records import Completion, GenerationRequest, ModelInfo, Score, ScoreRequest

__all__ = ["CallStore", "CallTotals", "NewCall"]

_APPLICATION = 0x7867636C  # "xgcl", in the file's header
_VERSION = 1
_TABLES = """
CREATE TABLE models (
    id INTEGER PRIMARY KEY, identity TEXT NOT NULL, tokenizer TEXT, dtype TEXT
);
CREATE TABLE calls (
    key BLOB PRIMARY KEY, model INTEGER NOT NULL REFERENCES models (id), kind TEXT NOT NULL,
    request TEXT NOT NULL, answer TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    attempts INTEGER NOT NULL, seconds REAL NOT NULL, answered REAL NOT NULL
);
"""
_INSERT = "INSERT OR IGNORE INTO calls VALUES "
_ROW = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ROWS = 1000
"""In one statement, at most; SQLite allows 32,766 values in it."""
_Outcome = tuple[list[asyncio.Future[None]], Exception | None]
_KINDS = {"generate": (GenerationRequest, Completion), "score": (ScoreRequest, Score)}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCall:
    """An answered call on its way into the store.

    Attributes:
        key: as of `call_key`.
        info: the model that answered.
        request: its canonical line.
        answer: what came.
        line: the answer's canonical line.
        prompt_tokens: read, as far as the model said.
        completion_tokens: written, likewise.
        attempts: requests it took.
        seconds: from asking to answer, waiting for a turn included.
    """

    key: bytes
    info: ModelInfo
    request: str
    answer: Answer
    line: str
    prompt_tokens: int
    completion_tokens: int
    attempts: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTotals:
    """What a store holds of one model and one kind of call."""

    model: str
    kind: str
    calls: int
    attempts: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float


class CallStore:
    """Answered calls by key, in one SQLite file.

    One process at a time writes; others may read meanwhile. All its coroutines belong to one event
    loop at a time.

    Args:
        path: of the file; made, with its directory, where it is to be written.
        read_only: only look.

    Raises:
        InputError: another process writes it, or there is nothing to read.
        FormatError: the file is something else, or of another version.
    """

    def __init__(self, path: Path | str, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self.in_flight: dict[bytes, asyncio.Future[Answer]] = {}
        self._models: dict[tuple[str, str | None, str | None], int] = {}
        self._waiting: list[tuple[Sequence[NewCall], asyncio.Future[None]]] = []
        self._committing = False
        self._turn = threading.Lock()
        self._lock: WriterLock | None = None
        self._writer: sqlite3.Connection | None = None
        if read_only:
            if not self.path.is_file():
                raise InputError(f"{path}: no such file")
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = WriterLock(self.path)
        try:
            if not read_only:
                self._writer = self._connect("rwc")
                self._prepare(self._writer)
            self._reader = self._connect("ro")
            self._check(self._reader)
        except BaseException:
            self._disconnect()
            raise

    def _connect(self, mode: str) -> sqlite3.Connection:
        name = f"file:{quote(str(self.path.resolve()))}?mode={mode}"
        return sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False)

    def _prepare(self, writer: sqlite3.Connection) -> None:
        try:
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("PRAGMA synchronous = FULL")  # on disk, not only with the system
            if not writer.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                writer.executescript(
                    f"BEGIN; PRAGMA application_id = {_APPLICATION}; "
                    f"PRAGMA user_version = {_VERSION}; {_TABLES} COMMIT;"
                )
        except sqlite3.OperationalError as error:
            raise self._failed(error) from error
        except sqlite3.DatabaseError as error:
            raise FormatError(f"{self.path}: not a store of calls: {error}") from error

    def _check(self, reader: sqlite3.Connection) -> None:
        try:
            (application,) = reader.execute("PRAGMA application_id").fetchone()
            (version,) = reader.execute("PRAGMA user_version").fetchone()
            if application != _APPLICATION:
                raise FormatError(f"{self.path}: an SQLite file, but not a store of calls")
            if version != _VERSION:
                raise FormatError(
                    f"{self.path}: a store of calls of version {version}, but this release reads "
                    f"{_VERSION}; use the release that wrote it"
                )
            for number, *model in reader.execute("SELECT * FROM models"):
                identity, tokenizer, dtype = model
                self._models[identity, tokenizer, dtype] = number
        except sqlite3.DatabaseError as error:
            raise FormatError(f"{self.path}: not a store of calls: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what still waits, and leave one plain file that can be read anywhere."""
        try:
            if self._writer is not None:
                _, failed = self._commit()
                if failed is not None:
                    raise failed
                self._reader.close()
                self._writer.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError:
            pass  # someone reads it: the file stays as it is, and is as good
        finally:
            self._disconnect()

    def _disconnect(self) -> None:
        for connection in (getattr(self, "_reader", None), self._writer):
            if connection is not None:
                connection.close()
        self._writer = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def find(self, key: bytes) -> Answer | None:
        """The answer to a request, if it was ever answered.

        Raises:
            FormatError: the file is damaged.
        """
        row = self._read("SELECT kind, answer FROM calls WHERE key = ?", key).fetchone()
        return None if row is None else self._answer(*row)

    def _read(self, query: str, *values: object) -> sqlite3.Cursor:
        try:
            return self._reader.execute(query, values)
        except sqlite3.DatabaseError as error:
            raise FormatError(f"{self.path}: damaged: {error}") from error

    def _answer(self, kind: str, line: str) -> Answer:
        try:
            return decode(_KINDS[kind][1], json.loads(line))
        except (KeyError, CodecError, json.JSONDecodeError) as error:
            raise FormatError(f"{self.path}: a damaged answer: {error}") from error

    async def add(self, calls: Sequence[NewCall]) -> None:
        """Store calls; they are on disk when this returns.

        What is cancelled while it waits is stored all the same.

        Raises:
            OSError: no room, or the disk fails.
        """
        if self._writer is None:
            raise ValueError(f"{self.path} is open for reading only, or closed")
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[None] = loop.create_future()
        self._waiting.append((calls, stored))
        if not self._committing:
            self._begin(loop)
        await stored

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Write what waits, on another thread; what comes too late for that is the next batch."""
        self._committing = True
        work = loop.run_in_executor(None, self._commit)
        work.add_done_callback(lambda done: self._end(loop, done))

    def _end(self, loop: asyncio.AbstractEventLoop, work: asyncio.Future[_Outcome]) -> None:
        self._committing = False
        if work.cancelled():  # before it began: `close` writes what waits
            return
        waiters, error = work.result()
        for waiter in waiters:
            if waiter.done():  # cancelled
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)
        if self._waiting:
            self._begin(loop)

    def _commit(self) -> _Outcome:
        """Write and flush all that waits, on any thread; tells who waited, and what went wrong."""
        with self._turn:
            batch, self._waiting = self._waiting, []
            writer, now = self._writer, time.time()
            assert writer is not None
            try:
                rows = [self._row(writer, call, now) for calls, _ in batch for call in calls]
                for at in range(0, len(rows), _ROWS):
                    # One statement, and a transaction of its own: after each the interpreter's
                    # lock has to be waited for, which takes longer than the disk.
                    part = rows[at : at + _ROWS]
                    values = [value for row in part for value in row]
                    writer.execute(_INSERT + ", ".join([_ROW] * len(part)), values)
            except Exception as error:  # noqa: BLE001 - it belongs to those who wait
                failed = self._failed(error) if isinstance(error, sqlite3.Error) else error
                return [waiter for _, waiter in batch], failed
            return [waiter for _, waiter in batch], None

    def _row(self, writer: sqlite3.Connection, call: NewCall, now: float) -> tuple[object, ...]:
        model = (call.info.identity, call.info.tokenizer, call.info.dtype)
        if model not in self._models:
            added = writer.execute(
                "INSERT INTO models (identity, tokenizer, dtype) VALUES (?, ?, ?)", model
            )
            assert added.lastrowid is not None
            self._models[model] = added.lastrowid
        return (
            call.key,
            self._models[model],
            "generate" if isinstance(call.answer, Completion) else "score",
            call.request,
            call.line,
            call.prompt_tokens,
            call.completion_tokens,
            call.attempts,
            call.seconds,
            now,
        )

    def _failed(self, error: sqlite3.Error) -> OSError:
        full = error.sqlite_errorcode == sqlite3.SQLITE_FULL
        return OSError(errno.ENOSPC if full else errno.EIO, str(error), str(self.path))

    def models(self) -> list[ModelInfo]:
        """The models whose answers are here, in the order in which they came."""
        rows = self._read("SELECT identity, tokenizer, dtype FROM models ORDER BY id")
        return [ModelInfo(identity=i, tokenizer=t, dtype=d) for i, t, d in rows]

    def calls(self) -> Iterator[RecordedCall]:
        """All calls, by key, so that the order says nothing of when they were made."""
        for identity, tokenizer, dtype, kind, request, answer in self._read(
            "SELECT identity, tokenizer, dtype, kind, request, answer "
            "FROM calls JOIN models ON calls.model = models.id ORDER BY key"
        ):
            yield RecordedCall(
                model=identity,
                tokenizer=tokenizer,
                dtype=dtype,
                request=decode(_KINDS[kind][0], json.loads(request)),
                answer=self._answer(kind, answer),
            )

    def times(self) -> Iterator[tuple[str, str, float]]:
        """Of each generation, by key: its prompt, its answer, and the seconds it took.

        The contents of a conversation are joined by newlines; seconds count from asking to answer,
        a turn's wait included.
        """
        rows = self._read(
            "SELECT request, answer, seconds FROM calls WHERE kind = 'generate' ORDER BY key"
        )
        for request, answer, seconds in rows:  # many, so they are not made into records
            asked = json.loads(request)
            contents = [message["content"] for message in asked["messages"]]
            prompt = "\n".join(contents) if asked["prompt"] is None else asked["prompt"]
            yield prompt, json.loads(answer)["text"], seconds

    def export(self, path: Path | str) -> int:
        """Write all calls as JSONL that `replay:` reads, whole or not at all; returns how many."""
        return write_jsonl(path, (call.to_json() for call in self.calls()))

    def totals(self) -> list[CallTotals]:
        """Calls, tokens and seconds by model and kind."""
        rows = self._read(
            "SELECT identity, kind, count(*), sum(attempts), sum(prompt_tokens), "
            "sum(completion_tokens), sum(seconds) FROM calls "
            "JOIN models ON calls.model = models.id GROUP BY models.id, kind ORDER BY models.id"
        )
        return [
            CallTotals(
                model=model,
                kind=kind,
                calls=calls,
                attempts=attempts,
                prompt_tokens=read,
                completion_tokens=written,
                seconds=seconds,
            )
            for model, kind, calls, attempts, read, written, seconds in rows
        ]
