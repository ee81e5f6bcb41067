"""A run's sets on disk, and rows in the layouts that other trainers take.

    sets/NAME.jsonl            rows, with what they are made of
    sets/NAME.examples.jsonl   for `xgen train sft … --template raw`
    sets/rejected.jsonl        solutions that became no row, and why
    sets/counts.json           how many of what

The directory appears whole or not at all, and takes the place of an earlier one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from xgen_core import CodecError, FormatError
from xgen_core.files import (
    atomic_directory,
    check_format,
    read_json,
    read_jsonl,
    write_json,
    write_jsonl,
)
from xgen_distill.sets.row import SETS, Row
from xgen_distill.sets.training_sets import Rejection, SetCounts, Sets

__all__ = ["EXPORTS", "Export", "export_rows", "read_sets", "write_sets"]

Export = Literal["alpaca", "chat", "prompt-completion", "human-eval"]
"""`alpaca`: instruction, input, output. `chat`: messages of a user and an assistant.
`prompt-completion`: these two. `human-eval`: task_id and completion, which tools that judge
HumanEval's samples read; of rows that ask for a first attempt."""

EXPORTS: tuple[Export, ...] = get_args(Export)
_NAME, _VERSION = "xgen-distill-sets", 1


def write_sets(directory: Path | str, sets: Sets) -> SetCounts:
    """Write the sets of a run; returns what `counts.json` says.

    Args:
        directory: `RUN/sets`; an earlier one is replaced.
        sets: what to write.
    """
    counts = sets.counts
    with atomic_directory(directory, replace=True) as new:
        for name, rows in sets.rows.items():
            write_jsonl(new / f"{name}.jsonl", (row.to_json() for row in rows))
            examples = (row.example().to_json() for row in rows)
            write_jsonl(new / f"{name}.examples.jsonl", examples)
        write_jsonl(new / "rejected.jsonl", (item.to_json() for item in sets.rejections))
        header = {"format": _NAME, "version": _VERSION}
        write_json(new / "counts.json", {**header, **counts.to_json()})
    return counts


def read_sets(directory: Path | str) -> Sets:
    """Read what `write_sets` wrote.

    Raises:
        InputError: a file is missing or a line of it damaged.
        FormatError: another version, or files that do not belong together.
    """
    home = Path(directory)
    value = read_json(home / "counts.json")
    fields = check_format(value, name=_NAME, version=_VERSION, path=home / "counts.json")
    rest = {key: item for key, item in fields.items() if key not in ("format", "version")}
    try:
        counts = SetCounts.from_json(rest)
    except CodecError as error:
        raise FormatError(f"{home / 'counts.json'}: {error}; build the sets again") from error
    sets = Sets(
        rows={name: tuple(read_jsonl(home / f"{name}.jsonl", Row.from_json)) for name in SETS},
        rejections=tuple(read_jsonl(home / "rejected.jsonl", Rejection.from_json)),
        combined=counts.combined,
        template=counts.template,
        same={name: count.same for name, count in counts.sets.items() if count.same},
    )
    if sets.counts != counts:
        raise FormatError(f"{home}: counts.json does not count these rows; build the sets again")
    return sets


def export_rows(path: Path | str, rows: Sequence[Row], form: Export) -> int:
    """Write rows one a line in a layout that others take; returns how many.

    Args:
        path: of the file.
        rows: of one set, say.
        form: of the lines; prompt and completion stay as they are trained, to the byte.

    Raises:
        ValueError: no such form.
    """
    if form not in EXPORTS:
        raise ValueError(f"expected one of {', '.join(EXPORTS)}, got {form!r}")
    taken = [row for row in rows if form != "human-eval" or row.asks == "attempt"]
    return write_jsonl(path, (_exported(row, form) for row in taken))


def _exported(row: Row, form: Export) -> Mapping[str, object]:
    if form == "alpaca":
        return {"instruction": row.prompt, "input": "", "output": row.completion}
    if form == "chat":
        answer = {"role": "assistant", "content": row.completion}
        return {"messages": [{"role": "user", "content": row.prompt}, answer]}
    if form == "human-eval":
        return {"task_id": row.task, "completion": row.completion}
    return {"prompt": row.prompt, "completion": row.completion}
