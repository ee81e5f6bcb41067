"""Items that training data may contain: joined to a run's rows, and what they are worth.

`xgen data decontaminate` looks for benchmark items in documents and writes `hits.jsonl`; here its
findings are read, and no overlap is computed. Clean and dirty items differ in more than having been
seen (quoted questions may be easier), so a higher dirty score is a sign, not a proof.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from xgen_core import InputError
from xgen_core.files import read_json, read_jsonl
from xgen_core.records import Record
from xgen_eval.analysis.items import Row, TaskItems
from xgen_eval.analysis.slices import Group, slice_items
from xgen_eval.rows import known_fields
from xgen_eval.statistics import ALPHA, holm

__all__ = ["CleanDirty", "Finding", "Findings", "clean_and_dirty", "read_findings"]

THRESHOLD = 0.5
"""Share of an item's n-grams in one document from which on it counts, as in xgen-data."""

_NAMES = {"truthfulqa_mc": "truthfulqa"}
"""Tasks whose benchmark has another name in xgen-data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Record):
    """An item met in a document; the fields of a line of `hits.jsonl` that matter here.

    Attributes:
        benchmark: which; the task's name.
        item: its id, or the number of its row from 1.
        share: of the item that was found, in (0, 1].
        document, source, match: where it was found, and the words.
        text_sha256: of one of the item's texts in UTF-8, for findings of other tools that know no
            ids; then `item` may be empty.
    """

    benchmark: str
    item: str = ""
    share: float = 1.0
    document: str = ""
    source: str = ""
    match: str = ""
    text_sha256: str = ""

    def __post_init__(self) -> None:
        if not self.benchmark or not (self.item or self.text_sha256):
            raise ValueError("a finding needs a benchmark, and an item or a text_sha256")
        if not 0 < self.share <= 1:
            raise ValueError(f"share lies in (0, 1], got {self.share}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All findings of a file.

    Attributes:
        path: where they were read.
        threshold: share from which on an item is flagged.
        by_benchmark: the findings at or above the threshold.
        sha256: of each benchmark's file, where a summary stands beside the findings.
    """

    path: Path
    threshold: float
    by_benchmark: Mapping[str, tuple[Finding, ...]]
    sha256: Mapping[str, str]

    def benchmark(self, items: TaskItems) -> str:
        """The benchmark that is this task: of its name, or of a file that it read; else empty."""
        for name in (items.name, _NAMES.get(items.name, "")):
            if name in self.by_benchmark:
                return name
        read = {file.sha256 for file in items.record.files}
        return next((n for n in self.by_benchmark if self.sha256.get(n) in read), "")

    def flagged(self, items: TaskItems) -> dict[str, Finding]:
        """Row id → the finding of the largest share, for the flagged rows of a task.

        An item that is a number is that row, from 1, where the benchmark's file is one that the
        task read. Otherwise an item is looked for by its id, and by a text's checksum.

        Raises:
            InputError: there are findings of the task's benchmark, and none of them is a row's.
        """
        benchmark = self.benchmark(items)
        found = self.by_benchmark.get(benchmark, ())
        if not found:
            return {}
        rows = items.by_id()
        numbered = self.sha256.get(benchmark) in {file.sha256 for file in items.record.files}
        if numbered and all(f.item.isdecimal() for f in found):
            ids = list(rows)  # a limit leaves out the last ones
            return _largest((ids[int(f.item) - 1], f) for f in found if int(f.item) <= len(ids))
        flagged = _largest((f.item, f) for f in found if f.item in rows)
        hashes = {f.text_sha256: f for f in found if f.text_sha256}
        if hashes:
            flagged |= {
                i: hashes[h] for i, row in rows.items() for h in _hashes(row) & hashes.keys()
            }
        if not flagged:
            raise InputError(
                f"{self.path}: none of the {len(found)} findings of {benchmark} (item "
                f"{found[0].item!r}, say) is a row of {items.name} (id {next(iter(rows))!r}, say); "
                "look for the file that the task reads: xgen data decontaminate … --benchmark "
                f"{benchmark}=FILE"
            )
        return flagged


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanDirty(Record):
    """A metric on the items that were not flagged, and on those that were.

    Attributes:
        task, metric: what.
        items, flagged: how many.
        clean, dirty: the values; None where there are no such items.
        difference: dirty minus clean, with `p`, and `corrected` by Holm over all of them.
        reading: in words.
    """

    task: str
    metric: str
    items: int
    flagged: int
    clean: Group | None
    dirty: Group | None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    corrected: float | None = None
    reading: str = ""


def read_findings(path: Path | str, threshold: float | None = None) -> Findings:
    """Read what `xgen data decontaminate` wrote.

    Args:
        path: its output directory, or a JSONL file of findings.
        threshold: share from which on an item is flagged; the summary's, or 0.5.

    Raises:
        InputError: no such file, or a line that is no finding; names it.
    """
    path = Path(path)
    path = path / "hits.jsonl" if path.is_dir() else path
    summary = path.with_name("summary.json")
    header = cast("Mapping[str, object]", read_json(summary)) if summary.is_file() else {}
    if threshold is None:
        stated = header.get("threshold")
        threshold = float(stated) if isinstance(stated, (int, float)) else THRESHOLD
    found: dict[str, list[Finding]] = {}
    for finding in read_jsonl(path, lambda line: known_fields(Finding, line)):
        own = found.setdefault(finding.benchmark, [])
        if finding.share >= threshold:
            own.append(finding)
    return Findings(
        path=path,
        threshold=threshold,
        by_benchmark={name: tuple(own) for name, own in found.items()},
        sha256=_checksums(header),
    )


def clean_and_dirty(
    tasks: Iterable[TaskItems], findings: Findings, metrics: Iterable[str] = ()
) -> tuple[CleanDirty, ...]:
    """Every task of which findings speak, by its first metric or by those named.

    Raises:
        InputError: findings that fit no row, or an unknown metric.
    """
    lines: list[CleanDirty] = []
    for items in tasks:
        flagged = findings.flagged(items)
        if findings.benchmark(items):
            for metric in tuple(metrics) or items.metrics[:1]:
                lines.append(_compare(items, metric, flagged))
    corrected = iter(holm([line.p for line in lines if line.p is not None]))
    return tuple(line if line.p is None else _read(line, next(corrected)) for line in lines)


def _compare(items: TaskItems, metric: str, flagged: Mapping[str, Finding]) -> CleanDirty:
    marked = tuple({**row, "attr.flagged": str(row["id"]) in flagged} for row in items.rows)
    sliced = slice_items(dataclasses.replace(items, rows=marked), "flagged", metric)
    groups = {group.name: group for group in sliced.groups}
    line = CleanDirty(
        task=items.name,
        metric=metric,
        items=len(items.rows),
        flagged=len(flagged),
        clean=groups.get("no"),
        dirty=groups.get("yes"),
        reading="too few items to tell" if len(groups) == 2 else "nothing to compare",
    )
    if line.clean is None or line.dirty is None:
        return line
    interval = sliced.disparity.interval if sliced.disparity else None
    if interval is not None and line.dirty.value < line.clean.value:
        interval = (-interval[1], -interval[0])
    return dataclasses.replace(
        line, difference=line.dirty.difference, interval=interval, p=line.dirty.p
    )


def _read(line: CleanDirty, corrected: float) -> CleanDirty:
    reading = "no difference shown"
    if corrected <= ALPHA:
        assert line.difference is not None
        reading = f"dirty items are {'higher' if line.difference > 0 else 'lower'}"
    return dataclasses.replace(line, corrected=corrected, reading=reading)


def _checksums(header: Mapping[str, object]) -> dict[str, str]:
    found: dict[str, str] = {}
    listed = header.get("benchmarks")
    for entry in cast("list[object]", listed) if isinstance(listed, list) else ():
        if isinstance(entry, Mapping):
            fields = cast("Mapping[str, object]", entry)
            found[str(fields.get("benchmark"))] = str(fields.get("sha256"))
    return found


def _largest(found: Iterable[tuple[str, Finding]]) -> dict[str, Finding]:
    largest: dict[str, Finding] = {}
    for row, finding in found:
        if row not in largest or finding.share > largest[row].share:
            largest[row] = finding
    return largest


def _hashes(row: Row) -> set[str]:
    texts = (value for value in row.values() if isinstance(value, str))
    return {hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() for text in texts}
