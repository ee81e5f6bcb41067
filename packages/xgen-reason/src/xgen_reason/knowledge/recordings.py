"""What live knowledge answered, in one SQLite file: asked once, read ever after, replayed offline.

A reply is kept by what was asked (method, address, parameters, body) and never by whom: headers,
which may hold keys, are in no key and no file. Times of retrieval stand beside the replies, so that
a replayed run cites what the recorded one did.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from xgen_core import FormatError, InputError
from xgen_core.records import Record

__all__ = ["Mode", "Page", "Recordings", "open_recordings", "request_line"]

Mode = Literal["record", "replay"]
"""Ask for what is not there, and keep it; or never ask."""

_APPLICATION = 0x78676874  # "xght", in the file's header
_VERSION = 1
_TABLE = f"""
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
CREATE TABLE replies (key TEXT PRIMARY KEY, request TEXT NOT NULL, url TEXT NOT NULL,
    retrieved TEXT NOT NULL, body BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Record):
    """A reply that is a whole answer.

    Attributes:
        url: it came from, redirects followed.
        body: text.
        retrieved: ISO 8601 in UTC.
    """

    url: str
    body: str
    retrieved: str


class Recordings:
    """Replies by request.

    Args:
        path: of the file, made where it is to be recorded; None keeps them in memory.
        mode: what becomes of a request that is not there.

    Raises:
        InputError: there is nothing to replay.
        FormatError: the file is something else, or of another version.
    """

    def __init__(self, path: Path | None = None, mode: Mode = "record") -> None:
        if mode not in ("record", "replay"):
            raise ValueError(f"mode is 'record' or 'replay', not {mode!r}")
        if mode == "replay" and (path is None or not path.is_file()):
            raise InputError(f"{path}: no such file: there is nothing to replay")
        self.path = path
        self.mode = mode
        self._turn = threading.Lock()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        name = ":memory:" if path is None else f"{path}"
        self._database = sqlite3.connect(
            name, isolation_level=None, check_same_thread=False, timeout=30
        )
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise FormatError(f"{path}: not recorded replies: {error}") from error
        except FormatError:
            self._database.close()
            raise

    def _prepare(self) -> None:
        if self.mode == "record":
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")  # a reply can be asked for again
            self._database.execute("BEGIN IMMEDIATE")  # of two beginners one makes the table
            empty = not self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if empty:
                for statement in _TABLE.split(";"):
                    self._database.execute(statement)
            self._database.execute("COMMIT")
        (application,) = self._database.execute("PRAGMA application_id").fetchone()
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if application != _APPLICATION:
            raise FormatError(f"{self.path}: not recorded replies")
        if version != _VERSION:
            raise FormatError(
                f"{self.path}: recorded replies of version {version}, this release reads "
                f"{_VERSION}; record them anew"
            )

    def get(self, request: str) -> Page | None:
        """The reply to a request, if there is one."""
        with self._turn:
            row = self._database.execute(
                "SELECT url, body, retrieved FROM replies WHERE key = ?", (_key(request),)
            ).fetchone()
        if row is None:
            return None
        url, body, retrieved = cast("tuple[str, bytes, str]", row)
        return Page(url=url, body=body.decode("utf-8"), retrieved=retrieved)

    def put(self, request: str, page: Page) -> None:
        """Keep a reply; the first one stays."""
        with self._turn:
            self._database.execute(
                "INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?)",
                (_key(request), request, page.url, page.retrieved, page.body.encode("utf-8")),
            )

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _key(request: str) -> str:
    return hashlib.sha256(request.encode("utf-8")).hexdigest()


def request_line(method: str, url: str, parameters: object, body: object) -> str:
    """A request as one canonical line."""
    return json.dumps([method, url, parameters, body], sort_keys=True, ensure_ascii=False)


def open_recordings(settings: Mapping[str, str]) -> Recordings:
    """As the settings `record=FILE` or `replay=FILE` of a source say; in memory without them.

    Raises:
        InputError: both are given, or there is nothing to replay.
        FormatError: the file is something else.
    """
    if "record" in settings and "replay" in settings:
        raise InputError("settings 'record' and 'replay' exclude each other")
    for mode in ("record", "replay"):
        if mode in settings:
            return Recordings(Path(settings[mode]), mode)
    return Recordings()
