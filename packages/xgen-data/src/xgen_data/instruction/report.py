"""What a preparation of instruction data shows: its figures as records, and as a report section."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xgen_core import Example
from xgen_core.records import Record, Scalar
from xgen_core.report import Plot, Section, Table, bar_plot
from xgen_data.instruction.conflicts import Conflict
from xgen_data.instruction.mixing import MixtureCount
from xgen_data.instruction.noise import LabelNoise
from xgen_data.instruction.splits import Level, SplitCount

__all__ = [
    "ConflictCount",
    "FileCount",
    "NoiseCount",
    "OutputCount",
    "ReasonCount",
    "Summary",
    "conflict_counts",
    "instruction_section",
    "length_histogram",
    "mixture_table",
    "noise_counts",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCount(Record):
    """A file that was read: items in it, dropped ones included, and examples that came of them."""

    file: str
    sha256: str
    read: int
    examples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCount(Record):
    """How much one step (`read`, `duplicates`, `inconsistencies`, `split`) dropped for one reason.

    Attributes:
        example: `file:line` or id of the first.
    """

    step: str
    reason: str
    count: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictCount(Record):
    """Conflicts by kind and form of the answers; see `Conflict`."""

    kind: str
    answers: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseCount(Record):
    """A `LabelNoise` without its issues, of which only the number is kept."""

    task: str
    examples: int
    labels: int
    accuracy: float
    skill: float
    noise: float
    recall: float
    lift: float
    issues: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputCount(Record):
    """A file that was written.

    Attributes:
        lengths: examples by the largest power of two not above their number of characters.
    """

    file: str
    sha256: str
    examples: int
    lengths: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Record):
    """`summary.json`: `read = drops of all steps + examples of the outputs`.

    (A row of a file of message trees is a message, and an item there is a conversation or a drop.)

    Attributes:
        level, held_out, groups, largest_group: of the split; see `Split`.
        tasks: examples on each side by task.
    """

    files: tuple[FileCount, ...]
    drops: tuple[ReasonCount, ...]
    conflicts: tuple[ConflictCount, ...]
    noise: tuple[NoiseCount, ...]
    level: Level
    held_out: tuple[str, ...]
    groups: int
    largest_group: int
    tasks: tuple[SplitCount, ...]
    outputs: tuple[OutputCount, ...]

    @property
    def read(self) -> int:
        """Items in all files."""
        return sum(file.read for file in self.files)


def conflict_counts(conflicts: Iterable[Conflict]) -> tuple[ConflictCount, ...]:
    """Count conflicts; they come ordered, and so do the counts."""
    counts = Counter((conflict.kind, conflict.answers) for conflict in conflicts)
    return tuple(
        ConflictCount(kind=kind, answers=answers, count=count)
        for (kind, answers), count in counts.items()
    )


def noise_counts(noise: Iterable[LabelNoise]) -> tuple[NoiseCount, ...]:
    """The figures of each task."""
    return tuple(
        NoiseCount(
            task=found.task,
            examples=found.examples,
            labels=len(found.labels),
            accuracy=found.accuracy,
            skill=found.skill,
            noise=found.noise,
            recall=found.recall,
            lift=found.lift,
            issues=len(found.issues),
        )
        for found in noise
    )


def length_histogram(examples: Iterable[Example]) -> dict[str, int]:
    """Examples by the largest power of two not above their number of characters."""
    sizes = Counter[int]()
    for example in examples:
        characters = sum(len(message.content) for message in example.messages)
        sizes[1 << max(0, characters.bit_length() - 1)] += 1
    return {str(size): sizes[size] for size in sorted(sizes)}


def instruction_section(summary: Summary) -> Section:
    """A section of the report page: funnel, tasks, inconsistencies, lengths."""
    kept = sum(output.examples for output in summary.outputs)
    held = {"instance": "instances", "task": "tasks", "task_type": "task types"}[summary.level]
    findings = sum(count.count for count in summary.conflicts)
    labels = sum(found.issues for found in summary.noise)
    return Section(
        title="Instruction data",
        summary=f"{kept:,} of {summary.read:,} items kept; {held} held out; "
        f"{findings:,} conflicts, {labels:,} doubtful labels",
        blocks=(
            _funnel(summary),
            _tasks(summary.tasks),
            _inconsistencies(summary),
            _lengths(summary.outputs),
        ),
    )


def mixture_table(counts: Sequence[MixtureCount]) -> Table:
    """A mixture in figures."""
    return Table(
        columns=("task", "examples", "rate", "drawn", "passes"),
        rows=tuple(
            (c.task, c.examples, round(c.rate, 6), c.drawn, round(c.passes, 3)) for c in counts
        ),
    )


def _funnel(summary: Summary) -> Table:
    rows: list[tuple[Scalar, ...]] = [
        ("read", file.file, file.read, None) for file in summary.files
    ]
    rows += [(drop.step, drop.reason, -drop.count, drop.example) for drop in summary.drops]
    rows += [("kept", output.file, output.examples, None) for output in summary.outputs]
    return Table(columns=("step", "file or reason", "examples", "first"), rows=tuple(rows))


def _tasks(tasks: Sequence[SplitCount]) -> Table:
    return Table(
        columns=("task", "type", "train", "validation", "dropped"),
        rows=tuple((t.task or "–", t.type or "–", t.train, t.validation, t.dropped) for t in tasks),
    )


def _inconsistencies(summary: Summary) -> Table:
    rows: list[tuple[Scalar, ...]] = [
        (f"{c.kind} input, {c.answers} answers", None, c.count, None, None, None, None)
        for c in summary.conflicts
    ]
    rows += [
        ("doubtful labels", n.task or "–", n.issues, n.skill, n.noise, n.recall, n.lift)
        for n in summary.noise
    ]
    return Table(
        columns=("finding", "task", "count", "skill", "noise, at most", "recall", "lift"),
        rows=tuple(rows),
    )


def _lengths(outputs: Sequence[OutputCount]) -> Plot:
    bars = [
        (int(size), count, output.file)
        for output in outputs
        for size, count in output.lengths.items()
    ]
    return bar_plot(
        rows=[{"characters": str(s), "examples": n, "file": f} for s, n, f in sorted(bars)],
        x="characters",
        y="examples",
        series="file",
        x_title="length of the conversation, characters from",
        description="Number of examples by length, in bins of powers of two, for each output file",
    )
