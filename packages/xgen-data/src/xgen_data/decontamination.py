"""Training documents that contain benchmark items: found, with evidence, and dropped or tagged.

Two kinds of evidence. *Text*: word n-grams of an item that stand in the document, 13 words long by
default as in GPT-3's analysis (Brown et al. 2020, appendix C); an item counts as contained when at
least a given share of its n-grams is found, so that a quotation that both share does not condemn a
document (a share of 0 is GPT-3's rule: one is enough). *Function*: a Python function equal to one
of the item's but for names, comments, docstrings, annotations and layout.

    step = Decontaminate(benchmarks=(Benchmark(name="humaneval", path="HumanEval.jsonl.gz"),))
    for hit in decontaminate(documents, step): ...
    write_report("report", decontaminate(documents, step), step)
"""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from xgen_core import Document, InputError
from xgen_core.files import atomic_file, write_json
from xgen_core.records import Record
from xgen_data.overlap.benchmarks import Benchmark, BenchmarkItem, benchmark_named, read_items
from xgen_data.overlap.ngrams import NgramIndex
from xgen_data.overlap.syntax import Outline, find_functions, index_functions
from xgen_data.overlap.words import split_words
from xgen_data.steps.step import Drop

__all__ = [
    "Benchmark",
    "BenchmarkSummary",
    "Decontaminate",
    "Hit",
    "Report",
    "benchmark_named",
    "decontaminate",
    "write_report",
]

_BATCH_DOCUMENTS = 256
_BATCH_CHARACTERS = 2**20
_COMMON = 10  # items of one benchmark that may share an n-gram before it says nothing of any
_PYTHON = (None, "python", "Python")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit(Record):
    """One benchmark item met in one document.

    Attributes:
        document: id of the document.
        source: its source.
        benchmark: name of the benchmark.
        item: id of the item.
        kind: `"text"` for n-grams, `"function"` for a Python function.
        match: the first n-gram found, in normalised words; or the function's name in the document.
        position: where it begins: in words from 0, for a function its line from 1.
        matches: distinct n-grams, or functions, of the item that were found.
        share: these over all that the item has; in (0, 1].
    """

    document: str
    source: str
    benchmark: str
    item: str
    kind: Literal["text", "function"]
    match: str
    position: int
    matches: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkSummary(Record):
    """What was met of one benchmark.

    Attributes:
        benchmark, path, sha256: what was looked for.
        items: in its files.
        searchable: of these, long enough to be looked for.
        touched: items of which anything was found.
        contaminated: items of which the threshold's share was found in one document.
        touched_documents: documents with anything.
        contaminated_documents: documents with the threshold's share of an item.
    """

    benchmark: str
    path: str
    sha256: str
    items: int
    searchable: int
    touched: int
    contaminated: int
    touched_documents: int
    contaminated_documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Record):
    """`summary.json` beside `hits.jsonl`."""

    ngram: int
    minimum: int
    threshold: float
    benchmarks: tuple[BenchmarkSummary, ...]


@dataclass(frozen=True, kw_only=True)
class Decontaminate:
    """Drop or tag documents that contain benchmark items.

    The index is built once a process, when the first batch comes.

    Attributes:
        benchmarks: what to look for.
        ngram: words in an n-gram.
        minimum: texts of items of fewer words than `ngram` but at least this many are looked for
            whole.
        threshold: share of an item's n-grams, or functions, from which on it counts as contained;
            0 for any.
        functions: whether to look for Python functions, where benchmarks name their `code`.
        action: `"drop"` them, or `"tag"` them in metadata: `decontamination.benchmarks` (names,
            with commas) and `decontamination.share` (the largest).
    """

    benchmarks: tuple[Benchmark, ...]
    ngram: int = 13
    minimum: int = 8
    threshold: float = 0.5
    functions: bool = True
    action: Literal["drop", "tag"] = "drop"
    kind: Literal["decontaminate"] = "decontaminate"
    writes: ClassVar[tuple[str, ...]] = ("decontamination.benchmarks", "decontamination.share")

    def __post_init__(self) -> None:
        names = [benchmark.name for benchmark in self.benchmarks]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"expected benchmarks of different names, got {names}")
        if not 1 <= self.minimum <= self.ngram:
            raise ValueError(
                f"expected 1 ≤ minimum ≤ ngram, got minimum {self.minimum} and ngram {self.ngram}"
            )
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold must lie in [0, 1], got {self.threshold}")

    def find(self, documents: Sequence[Document]) -> list[list[Hit]]:
        """All hits in each document, whatever their share; in the order of benchmarks and items.

        Raises:
            InputError: a benchmark cannot be read, or is not the file that its sha256 names.
        """
        return _index_of(self).find(documents)

    def apply(self, documents: Sequence[Document]) -> list[Document | Drop]:
        """Each document, tagged or not, or why it goes; see `find` for errors."""
        return [
            self._decide(document, [hit for hit in hits if hit.share >= self.threshold])
            for document, hits in zip(documents, self.find(documents), strict=True)
        ]

    def _decide(self, document: Document, hits: list[Hit]) -> Document | Drop:
        if not hits:
            return document
        if self.action == "drop":
            worst = max(hits, key=lambda hit: hit.share)
            return Drop(reason=f"contains an item of {worst.benchmark}")
        tags = {
            "decontamination.benchmarks": ",".join(dict.fromkeys(hit.benchmark for hit in hits)),
            "decontamination.share": max(hit.share for hit in hits),
        }
        return replace(document, metadata={**document.metadata, **tags})


def decontaminate(documents: Iterable[Document], step: Decontaminate) -> Iterator[Hit]:
    """Yield all hits in documents, whatever their share and the step's action.

    Raises:
        InputError: as `Decontaminate.find`.
    """
    batch: list[Document] = []
    characters = 0
    for document in documents:
        batch.append(document)
        characters += len(document.text)
        if len(batch) == _BATCH_DOCUMENTS or characters >= _BATCH_CHARACTERS:
            for hits in step.find(batch):
                yield from hits
            batch, characters = [], 0
    if batch:
        for hits in step.find(batch):
            yield from hits


def write_report(directory: Path | str, hits: Iterable[Hit], step: Decontaminate) -> Report:
    """Write `hits.jsonl`, one hit a line, and then `summary.json`.

    Args:
        directory: where; made if need be.
        hits: consumed as they are written.
        step: what they were found with.
    """
    touched: defaultdict[str, set[str]] = defaultdict(set)
    contaminated: defaultdict[str, set[str]] = defaultdict(set)
    touched_in: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    contaminated_in: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    with atomic_file(Path(directory) / "hits.jsonl") as handle:
        for hit in hits:
            line = json.dumps(hit.to_json(), ensure_ascii=False)
            handle.write(line.encode("utf-8", "replace") + b"\n")
            touched[hit.benchmark].add(hit.item)
            touched_in[hit.benchmark].add((hit.source, hit.document))
            if hit.share >= step.threshold:
                contaminated[hit.benchmark].add(hit.item)
                contaminated_in[hit.benchmark].add((hit.source, hit.document))
    index = _index_of(step)
    report = Report(
        ngram=step.ngram,
        minimum=step.minimum,
        threshold=step.threshold,
        benchmarks=tuple(
            BenchmarkSummary(
                benchmark=benchmark.name,
                path=benchmark.path,
                sha256=digest,
                items=index.count(benchmark.name)[0],
                searchable=index.count(benchmark.name)[1],
                touched=len(touched[benchmark.name]),
                contaminated=len(contaminated[benchmark.name]),
                touched_documents=len(touched_in[benchmark.name]),
                contaminated_documents=len(contaminated_in[benchmark.name]),
            )
            for benchmark, digest in zip(step.benchmarks, index.digests, strict=True)
        ),
    )
    write_json(Path(directory) / "summary.json", report.to_json())
    return report


class _Index:
    """Everything of all benchmarks that documents are compared with."""

    def __init__(
        self, benchmarks: tuple[Benchmark, ...], digests: tuple[str, ...], step: Decontaminate
    ) -> None:
        self.digests = digests
        self._items: list[tuple[str, BenchmarkItem]] = [
            (benchmark.name, item) for benchmark in benchmarks for item in read_items(benchmark)
        ]
        numbers = {benchmark.name: number for number, benchmark in enumerate(benchmarks)}
        self._ngrams = NgramIndex(
            [item.texts for _, item in self._items],
            [numbers[name] for name, _ in self._items],
            n=step.ngram,
            minimum=step.minimum,
            common=_COMMON,
        )
        self._functions: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        """Shape of a function → (item, number of the function in it)."""
        self._function_counts: dict[int, int] = {}
        self._outlines: set[Outline | None] = set()
        for number, (_, item) in enumerate(self._items if step.functions else ()):
            functions = index_functions(item.code)
            self._function_counts[number] = len(functions)
            self._outlines.update(function.outline for function in functions)
            for which, function in enumerate(functions):
                for shape in function.shapes:
                    self._functions[shape].append((number, which))

    def count(self, benchmark: str) -> tuple[int, int]:
        """Items of a benchmark, and those of which there is something to look for."""
        sizes = self._ngrams.sizes
        found = [
            bool(sizes[number]) or self._function_counts.get(number, 0) > 0
            for number, (name, _) in enumerate(self._items)
            if name == benchmark
        ]
        return len(found), sum(found)

    def find(self, documents: Sequence[Document]) -> list[list[Hit]]:
        results: list[list[Hit]] = [[] for _ in documents]
        self._find_text(documents, results)
        if self._functions:
            for document, hits in zip(documents, results, strict=True):
                if document.metadata.get("code.language") in _PYTHON:
                    hits.extend(self._find_functions(document))
        return results

    def _hit(self, document: Document, number: int, **evidence: Any) -> Hit:
        name, item = self._items[number]
        return Hit(
            document=document.id,
            source=document.source,
            benchmark=name,
            item=item.id,
            **evidence,
        )

    def _find_text(self, documents: Sequence[Document], results: list[list[Hit]]) -> None:
        matches = self._ngrams.find([document.text for document in documents])
        for number in np.unique(matches.documents).tolist():
            at = np.flatnonzero(matches.documents == number)
            first: dict[int, tuple[int, int]] = {}  # item → (position, length) of its first n-gram
            found: defaultdict[int, set[int]] = defaultdict(set)
            for position, length, ngram in sorted(
                zip(
                    matches.positions[at].tolist(),
                    matches.lengths[at].tolist(),
                    matches.ngrams[at].tolist(),
                    strict=True,
                )
            ):
                for item in self._ngrams.items(ngram).tolist():
                    first.setdefault(item, (position, length))
                    found[item].add(ngram)
            words = split_words(documents[number].text, numbers=False)
            for item in sorted(found):
                position, length = first[item]
                results[number].append(
                    self._hit(
                        documents[number],
                        item,
                        kind="text",
                        match=" ".join(words[position : position + length]),
                        position=position,
                        matches=len(found[item]),
                        share=len(found[item]) / int(self._ngrams.sizes[item]),
                    )
                )

    def _find_functions(self, document: Document) -> Iterator[Hit]:
        first: dict[int, tuple[str, int]] = {}
        found: defaultdict[int, set[int]] = defaultdict(set)
        for function in find_functions(document.text, self._outlines):
            for shape in function.shapes:
                for item, which in self._functions.get(shape, ()):
                    first.setdefault(item, (function.name, function.line))
                    found[item].add(which)
        for item in sorted(found):
            match, line = first[item]
            yield self._hit(
                document,
                item,
                kind="function",
                match=match,
                position=line,
                matches=len(found[item]),
                share=len(found[item]) / self._function_counts[item],
            )


def _index_of(step: Decontaminate) -> _Index:
    """The step's index, of the files as they are now."""
    digests = tuple(_digest(benchmark, _state(benchmark)) for benchmark in step.benchmarks)
    return _build(step.benchmarks, digests, step.ngram, step.minimum, step.functions)


def _state(benchmark: Benchmark) -> tuple[tuple[str, int, int], ...]:
    """What changes when a file does, so that files are not read again for each batch."""
    states = [(file, file.stat()) for file in benchmark.files()]
    return tuple((str(file), state.st_size, state.st_mtime_ns) for file, state in states)


@functools.lru_cache(maxsize=64)
def _digest(benchmark: Benchmark, state: tuple[tuple[str, int, int], ...]) -> str:
    digest = benchmark.digest()
    if benchmark.sha256 not in ("", digest):
        raise InputError(
            f"benchmark {benchmark.name!r}: {benchmark.path} has sha256 {digest}, but "
            f"{benchmark.sha256} was asked for: it is another version of the file"
        )
    return digest


@functools.lru_cache(maxsize=4)
def _build(
    benchmarks: tuple[Benchmark, ...],
    digests: tuple[str, ...],
    ngram: int,
    minimum: int,
    functions: bool,
) -> _Index:
    step = Decontaminate(benchmarks=benchmarks, ngram=ngram, minimum=minimum, functions=functions)
    return _Index(benchmarks, digests, step)
