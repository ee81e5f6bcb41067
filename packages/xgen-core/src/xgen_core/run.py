"""The run directory: one folder with all that a run decided, measured and wants to show.

    run.json        format, kind, resolved recipe, and the earlier ones if it was revised
    metrics.jsonl   one line a step; the same bytes whether or not the run was interrupted
    timings.jsonl   wall-clock figures, which differ from run to run and so live apart
    items/*.jsonl   one line an item, in the items' order when all are done
    sections/*.json what the report page shows, in file-name order

A run that is resumed cuts `metrics.jsonl` back to the step it restored, so no step stands twice.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from xgen_core.codec import encode
from xgen_core.errors import FormatError, InputError
from xgen_core.files import atomic_file, check_format, read_json, write_json
from xgen_core.items import ItemLog, Row
from xgen_core.progress import Progress
from xgen_core.recipe import fingerprint

if TYPE_CHECKING:
    from xgen_core.concurrency import Failure

__all__ = ["Run", "StepLog"]

T = TypeVar("T")
_FORMAT = "xgen-run"
_VERSION = 1


class StepLog:
    """An append-only JSONL file whose lines carry a `step`, and which can be cut back to one.

    Lines are handed to the operating system at once and flushed to disk by `sync`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = None

    def append(self, step: int, values: Mapping[str, object]) -> None:
        """Add one line; `values` must be JSON values."""
        if self._handle is None:
            self._handle = self.path.open("ab")
        line = json.dumps({"step": step, **values}, ensure_ascii=False, allow_nan=False)
        self._handle.write(line.encode("utf-8") + b"\n")
        self._handle.flush()

    def sync(self) -> None:
        """Flush to disk; call before a checkpoint that relies on these lines."""
        if self._handle is not None:
            os.fsync(self._handle.fileno())

    def close(self) -> None:
        """Flush to disk and close; a later `append` opens again."""
        if self._handle is not None:
            self.sync()
            self._handle.close()
            self._handle = None

    def cut(self, last_step: int) -> None:
        """Drop every line after `last_step`, and a torn last line if a kill left one.

        Raises:
            FormatError: a line in the middle is not JSON.
        """
        self.close()
        if not self.path.exists():
            return
        lines = self.path.read_bytes().splitlines(keepends=True)
        kept: list[bytes] = []
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                if number == len(lines):
                    break
                raise FormatError(f"{self.path}:{number}: damaged line: {error}") from error
            if not line.endswith(b"\n") or row["step"] > last_step:
                break
            kept.append(line)
        if len(kept) != len(lines):
            with atomic_file(self.path) as handle:
                handle.writelines(kept)

    def rows(self) -> list[dict[str, Any]]:
        """All lines, oldest first; a torn last line is passed over."""
        if not self.path.exists():
            return []
        rows: list[dict[str, Any]] = []
        for line in self.path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                rows.append(json.loads(line))
        return rows


class Run:
    """A run directory, opened by `create` or `open`.

    Attributes:
        directory: where it lies.
        kind: what made it: `"train"`, `"eval"`, …
        recipe: the resolved recipe as JSON values.
        metrics: deterministic figures by step.
        timings: wall-clock figures by step.
    """

    def __init__(self, directory: Path, kind: str, recipe: dict[str, Any]) -> None:
        self.directory = directory
        self.kind = kind
        self.recipe = recipe
        self.metrics = StepLog(directory / "metrics.jsonl")
        self.timings = StepLog(directory / "timings.jsonl")

    @classmethod
    def create(cls, directory: Path | str, kind: str, recipe: object) -> Run:
        """Make a run directory, or take up the one that is there if its recipe is the same.

        Args:
            directory: where; made with its parents.
            kind: what makes it.
            recipe: a dataclass (or JSON values), stored resolved.

        Raises:
            InputError: another run with another recipe lies there already.
        """
        path = Path(directory)
        values = cast("dict[str, Any]", encode(recipe))
        if (path / "run.json").exists():
            run = cls.open(path)
            if run.kind != kind or fingerprint(run.recipe) != fingerprint(values):
                changed = f"kind was {run.kind!r}, now {kind!r}"
                if run.kind == kind:
                    changed = _difference(run.recipe, values)
                raise InputError(
                    f"{path} holds another run ({changed}): "
                    "give another directory, or remove this one to start again"
                )
            return run
        path.mkdir(parents=True, exist_ok=True)
        write_json(
            path / "run.json",
            {"format": _FORMAT, "version": _VERSION, "kind": kind, "recipe": values},
        )
        return cls(path, kind, values)

    @classmethod
    def open(cls, directory: Path | str) -> Run:
        """Open an existing run directory.

        Raises:
            InputError: there is none.
            FormatError: it is of another format or version.
        """
        path = Path(directory)
        if not (path / "run.json").exists():
            raise InputError(f"{path}: not a run directory (no run.json in it)")
        header = check_format(
            read_json(path / "run.json"), name=_FORMAT, version=_VERSION, path=path / "run.json"
        )
        return cls(path, header["kind"], header["recipe"])

    def revise(self, recipe: object) -> None:
        """Put another recipe in place, and keep the one before it under `earlier`.

        For what a run allows to change while it lasts; the rest is `create`'s to refuse.
        """
        path = self.directory / "run.json"
        header = check_format(read_json(path), name=_FORMAT, version=_VERSION, path=path)
        earlier = [*header.get("earlier", []), header["recipe"]]
        self.recipe = cast("dict[str, Any]", encode(recipe))
        write_json(path, {**header, "recipe": self.recipe, "earlier": earlier})

    async def map(
        self,
        items: Iterable[T],
        work: Callable[[T], Awaitable[Row]],
        *,
        key: Callable[[T], str],
        name: str | Callable[[T], str],
        label: str = "",
        concurrency: int = 128,
    ) -> list[Row | Failure]:
        """Work on items as `xgen_core.concurrency.gather` does, and keep what was done.

        Results stand in `items/NAME.jsonl`, each with its item's key as `id`; a failure has `error`
        and `kind`. A run that was cut short takes up those that are there, and works on failures
        again. When all are done the file is written anew in the items' order, so that it does not
        tell how often the run was interrupted.

        Args:
            items: in the order of their results.
            work: one item's work; its result is a flat mapping of JSON values.
            key: an item's name, other than every other item's in its file.
            name: of the file; of each item's where they go into several, all worked on together.
            label: of the work where progress is shown; the name of the file where there is one.
            concurrency: items in work at one time, at most.

        Raises:
            InputError: two items have one key.
            FormatError: the file is damaged.
        """
        from xgen_core.concurrency import failure_summary, gather  # asyncio takes its time to load

        label = label or (name if isinstance(name, str) else "items")
        files: dict[str, dict[str, T]] = {name: {}} if isinstance(name, str) else {}
        places: list[tuple[str, str]] = []
        for item in items:
            place = (name if isinstance(name, str) else name(item), key(item))
            file = files.setdefault(place[0], {})
            if place[1] in file:
                raise InputError(f"{place[0]}: two items are called {place[1]!r}; ids must differ")
            file[place[1]] = item
            places.append(place)
        logs = {file: ItemLog(self.directory / "items" / f"{file}.jsonl") for file in files}
        finished = {file: log.finished for file, log in logs.items()}
        left = [(file, identity) for file, identity in places if identity not in finished[file]]

        async def one(place: tuple[str, str]) -> None:
            file, identity = place
            logs[file].append({"id": identity, **await work(files[file][identity])})

        with Progress(label, len(places), start=len(places) - len(left)) as progress:
            outcomes = await gather(left, one, concurrency=concurrency, progress=progress)
        failures = {k: o for k, o in zip(left, outcomes, strict=True) if o is not None}
        for (file, identity), failure in failures.items():
            row = {"id": identity, "error": failure.reason, "kind": failure.kind}
            logs[file].append(row)
        for file, named in files.items():
            logs[file].rewrite(named)
        if failures:
            sys.stderr.write(f"{label}: {failure_summary(list(failures.values()))}\n")
        return [failures.get(place, logs[place[0]].rows[place[1]]) for place in places]

    def write_section(self, name: str, section: object) -> None:
        """Store one report section; `name` orders the page (`"20-loss"` before `"30-samples"`)."""
        write_json(self.directory / "sections" / f"{name}.json", encode(section))

    def sections(self) -> list[Any]:
        """All stored sections as JSON values, in name order."""
        return [read_json(p) for p in sorted((self.directory / "sections").glob("*.json"))]

    def close(self) -> None:
        """Flush the logs."""
        self.metrics.close()
        self.timings.close()


def _difference(old: object, new: object, path: str = "") -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        a, b = cast("dict[str, object]", old), cast("dict[str, object]", new)
        for key in [*a, *(k for k in b if k not in a)]:
            if a.get(key) != b.get(key):
                return _difference(a.get(key), b.get(key), f"{path}.{key}" if path else key)
    if isinstance(old, list) and isinstance(new, list):
        x, y = cast("list[object]", old), cast("list[object]", new)
        if len(x) == len(y):
            for i, (p, q) in enumerate(zip(x, y, strict=True)):
                if p != q:
                    return _difference(p, q, f"{path}.{i}")
    return f"{path} was {old!r:.60}, now {new!r:.60}"
