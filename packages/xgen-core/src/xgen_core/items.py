"""The log of a loop over items: one JSON object a line, which a kill leaves usable."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from xgen_core.codec import JSON
from xgen_core.errors import FormatError
from xgen_core.files import write_jsonl

__all__ = ["ItemLog", "Row"]

Row = Mapping[str, JSON]


class ItemLog:
    """Rows in the order in which they were done, then, when all are, in the items' order.

    Each row has an `id`; one with an `error` is a failure, which another run tries again. The file
    is open only while a row is added, so that there can be thousands of logs.

    Args:
        path: of the file; made with its directory.

    Raises:
        FormatError: a line in the middle is not a row.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, Row] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = self._read()
        with path.open("ab") as handle:
            handle.truncate(whole)

    def _read(self) -> int:
        """Take up what is there; returns the length in bytes without a torn last line."""
        whole = 0
        if not self.path.exists():
            return whole
        for number, line in enumerate(self.path.read_bytes().splitlines(keepends=True), 1):
            if not line.endswith(b"\n"):
                break
            try:
                row = cast("dict[str, JSON]", json.loads(line))
                self.rows[cast(str, row["id"])] = row
            except (ValueError, KeyError, TypeError) as error:
                raise FormatError(f"{self.path}:{number}: damaged line: {error}") from error
            whole += len(line)
        return whole

    @property
    def finished(self) -> set[str]:
        """Ids of the items that succeeded."""
        return {name for name, row in self.rows.items() if "error" not in row}

    def append(self, row: Row) -> None:
        """Add a row; it is with the operating system when this returns."""
        line = json.dumps(row, ensure_ascii=True, allow_nan=False)
        with self.path.open("ab") as handle:
            handle.write(line.encode("ascii") + b"\n")
        self.rows[cast(str, row["id"])] = json.loads(line)  # as another run would read it

    def rewrite(self, ids: Iterable[str]) -> None:
        """Put the rows of these items, in their order, in the file's place."""
        write_jsonl(self.path, [self.rows[name] for name in ids])
