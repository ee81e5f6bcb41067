"""What a training set knows of benchmarks: all pairs that share something, and who is clean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from xgen_core.codec import decode
from xgen_core.files import check_format, read_json, read_jsonl, write_json, write_jsonl
from xgen_core.records import Record
from xgen_distill.decontamination.evidence import KINSHIPS, NGRAMS, WORDING, Evidence, Kinship

__all__ = ["MARKS", "Contamination"]

_FORMAT = "xgen-distill-contamination"
_VERSION = 1
_CLOSE = 0.7
"""ROUGE-L above which Self-Instruct calls an instruction no new one."""

MARKS = (
    "tasks",
    f"ROUGE-L > {_CLOSE}",
    f"ROUGE-L > {WORDING}",
    *(f"{n} words" for n in NGRAMS),
    "same name",
    "same tree",
    "passes",
    *KINSHIPS,
)
"""What tasks of a benchmark are counted by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contamination(Record):
    """What a training set knows of benchmarks.

    Attributes:
        items: how many training items there are.
        tasks: id → benchmark, in the benchmarks' order.
        pairs: that share something, in the order of tasks, then of items.
    """

    items: int
    tasks: Mapping[str, str]
    pairs: tuple[Evidence, ...]

    def kinship(self) -> dict[str, Kinship]:
        """The worst verdict on each task of the benchmarks."""
        found: dict[str, Kinship] = dict.fromkeys(self.tasks, "unrelated")
        for pair in self.pairs:
            worst = min(KINSHIPS.index(found[pair.task]), KINSHIPS.index(pair.verdict))
            found[pair.task] = KINSHIPS[worst]
        return found

    @property
    def clean(self) -> tuple[str, ...]:
        """Ids of the tasks that did not leak; training items like them there may be."""
        return tuple(task for task, kind in self.kinship().items() if kind != "leak")

    @property
    def leaked_items(self) -> tuple[str, ...]:
        """Ids of the training items that are a task of a benchmark, sorted: to train without."""
        return tuple(sorted({pair.item for pair in self.pairs if pair.verdict == "leak"}))

    def nearest(self) -> dict[str, Evidence]:
        """The training item nearest to each task that has any: by verdict, then by wording."""
        found: dict[str, Evidence] = {}
        for pair in self.pairs:
            found[pair.task] = min(found.get(pair.task, pair), pair, key=_distance)
        return found

    def counts(self) -> dict[str, dict[str, int]]:
        """How many tasks of each benchmark have what in common with any training item; `MARKS`."""
        shared: dict[str, set[str]] = {
            task: {"tasks", kind} for task, kind in self.kinship().items()
        }
        for pair in self.pairs:
            shared[pair.task].update(_marks(pair))
        counts: dict[str, Counter[str]] = {}
        for task, benchmark in self.tasks.items():
            counts.setdefault(benchmark, Counter()).update(shared[task])
        return {name: {mark: found[mark] for mark in MARKS} for name, found in counts.items()}

    def write(self, directory: Path | str) -> None:
        """Write `pairs.jsonl`, and `contamination.json` with the counts and the clean tasks."""
        path = Path(directory)
        write_jsonl(path / "pairs.jsonl", (pair.to_json() for pair in self.pairs))
        write_json(
            path / "contamination.json",
            {
                "format": _FORMAT,
                "version": _VERSION,
                "items": self.items,
                "counts": self.counts(),
                "clean": list(self.clean),
                "leaked_items": list(self.leaked_items),
                "tasks": dict(self.tasks),
            },
        )

    @classmethod
    def read(cls, directory: Path | str) -> Contamination:
        """Read what `write` wrote.

        Raises:
            InputError: it is not there, or a line is no pair.
            FormatError: it is of another format or version.
        """
        path = Path(directory) / "contamination.json"
        header = check_format(read_json(path), name=_FORMAT, version=_VERSION, path=path)
        return cls(
            items=decode(int, header.get("items"), "items"),
            tasks=decode(dict[str, str], header.get("tasks"), "tasks"),
            pairs=tuple(read_jsonl(path.with_name("pairs.jsonl"), Evidence.from_json)),
        )


def _distance(pair: Evidence) -> tuple[int, float]:
    return KINSHIPS.index(pair.verdict), -pair.rouge_l


def _marks(pair: Evidence) -> Iterator[str]:
    for least in (_CLOSE, WORDING):
        if pair.rouge_l > least:
            yield f"ROUGE-L > {least}"
    for n in NGRAMS:
        if pair.ngram >= n:
            yield f"{n} words"
    if pair.same_name:
        yield "same name"
    if pair.same_tree:
        yield "same tree"
    if pair.passes:
        yield "passes"
