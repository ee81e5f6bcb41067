"""What a run directory holds of tasks, attempts and refinements.

tasks.jsonl                 the tasks, as they were tried
items/golds.jsonl           one `GoldCheck` a line, under its task's id
items/attempts.jsonl        one `Attempt` a line, under its id, or why there is none
items/refinements.jsonl     one `Refinement` a line, likewise
earlier/*.jsonl             attempts and refinements of the rounds before
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from xgen_core import CodecError, FormatError, InputError
from xgen_core.codec import JSON, decode
from xgen_core.concurrency import Failure
from xgen_core.files import read_jsonl, write_jsonl
from xgen_core.recipe import fingerprint
from xgen_core.records import Record
from xgen_distill.attempt import Attempt, Refinement
from xgen_distill.golds import GoldCheck
from xgen_distill.task import Task

__all__ = ["Earlier", "RunItems", "read_earlier", "read_items", "read_rows"]

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """Attempts and refinements of the rounds before, the earliest first."""

    attempts: tuple[Attempt, ...] = ()
    refinements: tuple[Refinement, ...] = ()

    @property
    def round(self) -> int:
        """The latest; 0 where there is none."""
        return max((attempt.round for attempt in self.attempts), default=0)

    @property
    def solved(self) -> set[str]:
        """Ids of tasks that an attempt solved."""
        return {attempt.task for attempt in self.attempts if attempt.passed}

    @property
    def fingerprint(self) -> str:
        """Of all of it; empty where there is nothing."""
        return fingerprint([*self.attempts, *self.refinements]) if self.attempts else ""

    def write(self, directory: Path) -> None:
        """Keep it in a run directory of a later round."""
        if self.attempts:
            for name, records in (("attempts", self.attempts), ("refinements", self.refinements)):
                write_jsonl(directory / "earlier" / f"{name}.jsonl", (r.to_json() for r in records))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunItems:
    """Everything that a run found out, item by item.

    Attributes:
        tasks: all that were given.
        golds: of each task that was looked at.
        attempts, refinements: of this round.
        earlier: of the rounds before.
        failed: items without a result, by stage and id; another start tries them again.
    """

    tasks: tuple[Task, ...]
    golds: tuple[GoldCheck, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    refinements: tuple[Refinement, ...] = ()
    earlier: Earlier = Earlier()
    failed: Mapping[str, Mapping[str, Failure]] = field(
        default_factory=dict[str, Mapping[str, Failure]]
    )

    @property
    def usable(self) -> tuple[Task, ...]:
        """Tasks that may be tried: those whose direct solution passes, or that have none."""
        kept = {gold.task for gold in self.golds if not gold.reason}
        return tuple(task for task in self.tasks if task.id in kept)

    @property
    def chosen(self) -> tuple[Refinement, ...]:
        """The refinements of this round that are learnt from."""
        return tuple(refinement for refinement in self.refinements if refinement.chosen)


def read_items(directory: Path | str) -> RunItems:
    """Read a run directory, finished or not.

    Raises:
        InputError: no run of `xgen distill run` lies there.
        FormatError: a file of it is damaged, or of another release.
    """
    path = Path(directory)
    if not (path / "tasks.jsonl").is_file():
        raise InputError(f"{path}: not a run of xgen distill run (no tasks.jsonl in it)")
    golds, gold_failures = read_rows(path, "golds", GoldCheck)
    attempts, attempt_failures = read_rows(path, "attempts", Attempt)
    refinements, refinement_failures = read_rows(path, "refinements", Refinement)
    failed = {
        "golds": gold_failures,
        "attempts": attempt_failures,
        "refinements": refinement_failures,
    }
    return RunItems(
        tasks=tuple(read_jsonl(path / "tasks.jsonl", Task.from_json)),
        golds=golds,
        attempts=attempts,
        refinements=refinements,
        earlier=Earlier(
            attempts=_stored(path / "earlier" / "attempts.jsonl", Attempt),
            refinements=_stored(path / "earlier" / "refinements.jsonl", Refinement),
        ),
        failed={name: failures for name, failures in failed.items() if failures},
    )


def read_earlier(previous: Path | str) -> Earlier:
    """The rounds up to a finished one, to go on from.

    Args:
        previous: its run directory.

    Raises:
        InputError: it is none, or not finished.
    """
    path = Path(previous)
    if not (path / "results.json").is_file():
        raise InputError(f"{path}: not a finished run of xgen distill run (no results.json in it)")
    items = read_items(path)
    return Earlier(
        attempts=(*items.earlier.attempts, *items.attempts),
        refinements=(*items.earlier.refinements, *items.refinements),
    )


def read_rows(
    directory: Path, name: str, kind: type[R], rows: Sequence[Mapping[str, JSON]] | None = None
) -> tuple[tuple[R, ...], dict[str, Failure]]:
    """The records of `items/NAME.jsonl`, and why others are missing, by id.

    Args:
        directory: of the run.
        name: of the items.
        kind: of the records.
        rows: those of the file, where they are known; else they are read.

    Raises:
        FormatError: a row is no such record; a torn last line is passed over.
    """
    path = directory / "items" / f"{name}.jsonl"
    found: list[R] = []
    failures: dict[str, Failure] = {}
    for row in _lines(path) if rows is None else rows:
        if "error" in row:
            failures[f"{row['id']}"] = Failure(reason=f"{row['error']}", kind=f"{row['kind']}")
            continue
        try:
            found.append(decode(kind, {key: row[key] for key in row if key != "id"}))
        except CodecError as error:
            raise FormatError(
                f"{path}: {row.get('id')}: not of this release: {error}; use the release that "
                "wrote it, or remove the file: calls are kept"
            ) from error
    return tuple(found), failures


def _lines(path: Path) -> Iterator[Mapping[str, JSON]]:
    """Rows of a log; of one that a kill cut short all but the torn last line."""
    if not path.is_file():
        return
    lines = path.read_bytes().splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n") and number == len(lines):
            return
        try:
            yield json.loads(line)
        except ValueError as error:
            raise FormatError(f"{path}:{number}: damaged line: {error}") from error


def _stored(path: Path, kind: type[R]) -> tuple[R, ...]:
    return tuple(read_jsonl(path, kind.from_json)) if path.is_file() else ()
