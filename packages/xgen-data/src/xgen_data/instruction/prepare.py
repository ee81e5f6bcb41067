"""Instruction data from files to a directory that training can take.

    train.jsonl             examples, one a line
    validation.jsonl        examples held out; empty where none are
    inconsistencies.jsonl   conflicts and doubtful labels, the surest first, whatever became of them
    summary.json            `Summary`

The directory appears whole or not at all. The same files and settings give the same bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from xgen_core import Example, InputError
from xgen_core.files import atomic_directory, sha256_file, write_json, write_jsonl
from xgen_core.progress import Progress
from xgen_core.records import Record
from xgen_data.instruction.checks import Checks
from xgen_data.instruction.conflicts import Conflict, find_conflicts
from xgen_data.instruction.formats import Form, read_examples, write_examples
from xgen_data.instruction.noise import LabelNoise, example_labels, find_label_noise
from xgen_data.instruction.parts import content_id, stable_fraction
from xgen_data.instruction.report import (
    FileCount,
    OutputCount,
    ReasonCount,
    Summary,
    conflict_counts,
    length_histogram,
    noise_counts,
)
from xgen_data.instruction.resolve import suspects
from xgen_data.instruction.splits import Level, check_split, split_examples
from xgen_data.steps import Drop, Funnel

__all__ = ["Preparation", "prepare"]

_CHECKS = Checks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation(Record):
    """The settings of `prepare`.

    Attributes:
        form, paths, licence: as for `read_examples`.
        checks: what an example must be.
        skip_damaged: go on after rows that cannot be read, counting them, instead of stopping.
        label: metadata key of the label; by default short answers are labels.
        near: least similarity of near inputs, for conflicts and for the split; None for equal ones.
        inconsistent: `"keep"` reports inconsistent examples only, `"drop"` leaves out those that
            `suspects` names as well.
        level, fraction, held_out: what to hold out, as for `split_examples`.
        seed: of folds and split.
    """

    form: Form | None = None
    paths: int = 1
    licence: str = ""
    checks: Checks = _CHECKS
    skip_damaged: bool = False
    label: str | None = None
    near: float | None = 0.8
    inconsistent: Literal["keep", "drop"] = "keep"
    level: Level = "instance"
    fraction: float = 0.05
    held_out: tuple[str, ...] = ()
    seed: int = 0


def prepare(
    files: Sequence[Path | str],
    output: Path | str,
    settings: Preparation | None = None,
    *,
    replace_output: bool = False,
) -> Summary:
    """Read, check, deduplicate, look for inconsistencies, split, and write.

    Of exact copies the first is kept. Examples are written in the order of their ids' hashes, so
    the order of the files matters for nothing else. All examples are held in memory.

    Args:
        files: in any of the forms of `read_examples`.
        output: a directory that does not exist yet, or is empty.
        settings: `Preparation()` by default.
        replace_output: put the result in the place of an existing directory.

    Raises:
        InputError: a file is missing or damaged, nothing is left, or the output exists.
    """
    settings = settings or Preparation()
    if not files:
        raise InputError("no files of instruction data were named")
    with atomic_directory(output, replace=replace_output) as directory:
        funnel = Funnel()
        counts: list[FileCount] = []
        with Progress("examples", unit="examples") as progress:
            examples = _distinct(_read(files, settings, funnel, counts, progress), funnel)
        if not examples:
            lost = "; ".join(f"{n} {reason}" for (_, reason), n in funnel.dropped.items())
            raise InputError(
                f"no examples are left of {funnel.read} read; dropped: {lost or 'none'}"
            )
        examples.sort(key=lambda example: (stable_fraction(example.id), example.id))
        labels = example_labels(examples, key=settings.label)
        compared = labels if settings.label is not None else None
        conflicts = find_conflicts(examples, threshold=settings.near, labels=compared)
        noise = find_label_noise(examples, labels=labels, seed=settings.seed)
        write_jsonl(directory / "inconsistencies.jsonl", _findings(conflicts, noise))
        if settings.inconsistent == "drop":
            reasons = suspects(examples, conflicts, noise, compared)
            for identity, reason in reasons.items():
                funnel.drop("inconsistencies", reason, identity)
            examples = [example for example in examples if example.id not in reasons]
        split = split_examples(
            examples,
            level=settings.level,
            fraction=settings.fraction,
            names=settings.held_out,
            salt=str(settings.seed) if settings.seed else "",
            threshold=settings.near,
        )
        check_split(examples, split)
        for example, side in zip(examples, split.sides, strict=True):
            if side == "dropped":
                funnel.drop("split", "input is near one that is held out", example.id)
        outputs: list[OutputCount] = []
        for side in ("train", "validation"):
            chosen = [e for e, s in zip(examples, split.sides, strict=True) if s == side]
            outputs.append(_write(directory / f"{side}.jsonl", chosen))
        summary = Summary(
            files=tuple(counts),
            drops=tuple(
                ReasonCount(step=step, reason=why, count=n, example=funnel.examples[step, why])
                for (step, why), n in funnel.dropped.items()
            ),
            conflicts=conflict_counts(conflicts),
            noise=noise_counts(noise),
            level=split.level,
            held_out=split.held_out,
            groups=split.groups,
            largest_group=split.largest_group,
            tasks=split.counts,
            outputs=tuple(outputs),
        )
        write_json(directory / "summary.json", summary.to_json())
    return summary


def _read(
    files: Sequence[Path | str],
    settings: Preparation,
    funnel: Funnel,
    counts: list[FileCount],
    progress: Progress,
) -> Iterator[Example]:
    for file in files:
        read = kept = 0
        rows = read_examples(
            file,
            settings.form,
            checks=settings.checks,
            paths=settings.paths,
            licence=settings.licence,
        )
        for item in rows:
            read += 1
            if isinstance(item, Drop):
                if item.damaged and not settings.skip_damaged:
                    raise InputError(
                        f"{item.example}: {item.reason}; mend it, or pass over damaged rows"
                    )
                funnel.drop("read", item.reason, item.example)
                continue
            kept += 1
            progress.advance(note=Path(file).name)
            yield item
        funnel.read += read
        name = Path(file).name
        counts.append(FileCount(file=name, sha256=sha256_file(file), read=read, examples=kept))


def _distinct(examples: Iterable[Example], funnel: Funnel) -> list[Example]:
    """Without exact copies, and with distinct ids."""
    seen: set[str] = set()
    ids: set[str] = set()
    kept: list[Example] = []
    for example in examples:
        content = content_id(example.messages, "content")
        if content in seen:
            funnel.drop("duplicates", "same conversation seen before", example.id)
            continue
        seen.add(content)
        if example.id in ids:  # ids of other makers are unique in their own file only
            example = replace(example, id=f"{example.id}-{content[-16:]}")  # noqa: PLW2901
        ids.add(example.id)
        kept.append(example)
    return kept


def _findings(
    conflicts: Collection[Conflict], noise: Sequence[LabelNoise]
) -> Iterator[dict[str, object]]:
    for conflict in conflicts:
        yield {"finding": "conflict", **conflict.to_json()}
    for found in noise:
        for issue in found.issues:
            yield {"finding": "label", "task": found.task, **issue.to_json()}


def _write(path: Path, examples: Sequence[Example]) -> OutputCount:
    count = write_examples(path, examples)
    return OutputCount(
        file=path.name,
        sha256=sha256_file(path),
        examples=count,
        lengths=length_histogram(examples),
    )
