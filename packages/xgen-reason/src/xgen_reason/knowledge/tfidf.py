"""`tfidf:INDEX`: documents found by hashed TF-IDF of words and word pairs, as in DrQA.

The weights are DrQA's: `log(1 + tf) · max(0, log((N - n + ½) / (n + ½)))` for each of 2²⁴ buckets,
documents compared by the inner product. DrQA hashes with MurmurHash3; here it is CRC-32, which
Python has: the same for everybody, yet other words collide. The vectors lie beside the index in
`INDEX.tfidf/`, arrays that are mapped into memory, not read.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import zlib
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from xgen_core import FormatError, InputError, XgenError
from xgen_core.files import atomic_directory, check_format, read_json, write_json
from xgen_core.progress import track
from xgen_reason.evidence import Evidence, Found, Query, QueryLanguage
from xgen_reason.knowledge.index import TextIndex
from xgen_reason.knowledge.ranking import best_evidence, open_ranker
from xgen_reason.knowledge.reply import reply
from xgen_reason.knowledge.settings import positive, split_settings
from xgen_reason.knowledge.text import sentence_evidence
from xgen_reason.knowledge.words import STOP_WORDS, words
from xgen_reason.question import Question

__all__ = ["TfidfSource", "TfidfVectors", "bucket_counts", "build_tfidf", "open_tfidf"]

_FORMAT, _VERSION = "xgen-tfidf", 1
BUCKETS = 2**24
DOCUMENTS = 5
"""That DrQA looks into."""


def bucket_counts(text: str) -> Counter[int]:
    """How often each bucket is hit by words and pairs of neighbours.

    A word that is a stop word does not count, nor does a pair that begins or ends with one.
    """
    found = words(text)
    grams = [word for word in found if word not in STOP_WORDS]
    grams += [
        f"{left} {right}"
        for left, right in itertools.pairwise(found)
        if left not in STOP_WORDS and right not in STOP_WORDS
    ]
    return Counter(zlib.crc32(gram.encode()) % BUCKETS for gram in grams)


def _directory(index: Path) -> Path:
    return index.with_name(f"{index.name}.tfidf")


def build_tfidf(index: Path) -> Path:
    """Make the vectors of an index's documents, beside it; returns where.

    Raises:
        InputError: no such index.
        FormatError: not an index.
    """
    with TextIndex(index) as texts:
        count = texts.summary.documents
        buckets: list[NDArray[np.int32]] = []
        owners: list[NDArray[np.int32]] = []
        counts: list[NDArray[np.int32]] = []
        for number, document in enumerate(track(texts.documents(), "TF-IDF", count, unit="docs")):
            held = bucket_counts(f"{document.title} {document.text}")
            buckets.append(np.fromiter(held.keys(), np.int32, len(held)))
            counts.append(np.fromiter(held.values(), np.int32, len(held)))
            owners.append(np.full(len(held), number, np.int32))
        fingerprint = texts.summary.fingerprint
    every = np.concatenate(buckets)
    order = np.argsort(every, kind="stable")
    used, starts = np.unique(every[order], return_index=True)
    with atomic_directory(_directory(index), replace=True) as directory:
        np.save(directory / "buckets.npy", used)
        np.save(directory / "starts.npy", np.append(starts, len(every)).astype(np.int64))
        np.save(directory / "documents.npy", np.concatenate(owners)[order])
        np.save(directory / "counts.npy", np.concatenate(counts)[order])
        header = {
            "format": _FORMAT,
            "version": _VERSION,
            "documents": count,
            "index": fingerprint,
        }
        write_json(directory / "header.json", header)
    return _directory(index)


class TfidfVectors:
    """The vectors of an index's documents, mapped into memory.

    Args:
        index: that they belong to.
        fingerprint: the index's.

    Raises:
        InputError: they are not there.
        FormatError: they are damaged, of another version, or of other documents.
    """

    def __init__(self, index: Path, fingerprint: str) -> None:
        directory = _directory(index)
        if not directory.is_dir():
            raise InputError(
                f"{directory}: no such directory; make it with xgen reason index --tfidf"
            )
        path = directory / "header.json"
        header = check_format(read_json(path), name=_FORMAT, version=_VERSION, path=path)
        if header.get("index") != fingerprint:
            raise FormatError(
                f"{directory}: made of another index than {index}; make both anew with "
                "xgen reason index --tfidf"
            )
        try:
            self._buckets, self._starts, self._documents, self._counts = (
                np.load(directory / f"{name}.npy", mmap_mode="r")
                for name in ("buckets", "starts", "documents", "counts")
            )
        except (OSError, ValueError) as error:
            raise FormatError(f"{directory}: damaged: {error}") from error
        self._size = int(header["documents"])

    def best(self, text: str, *, limit: int = DOCUMENTS) -> list[tuple[int, float]]:
        """Documents by their place in the index, with scores above 0, best first."""
        scores: dict[int, float] = {}
        for bucket, count in sorted(bucket_counts(text).items()):
            place = int(np.searchsorted(self._buckets, bucket))
            if place == len(self._buckets) or self._buckets[place] != bucket:
                continue
            held = slice(int(self._starts[place]), int(self._starts[place + 1]))
            documents = self._documents[held]
            rarity = math.log((self._size - len(documents) + 0.5) / (len(documents) + 0.5))
            if rarity <= 0:
                continue
            gains = np.log1p(self._counts[held]) * (math.log1p(count) * rarity**2)
            for document, gain in zip(documents.tolist(), gains.tolist(), strict=True):
                scores[document] = scores.get(document, 0.0) + gain
        return sorted(scores.items(), key=lambda item: (-round(item[1], 6), item[0]))[:limit]


class TfidfSource:
    """Sentences of the documents that TF-IDF finds.

    Args:
        path: of the index.
        documents: that are looked into.
        rank: of their sentences, as for `open_ranker`.
        seconds: for one search.

    Raises:
        InputError: no such index, or no vectors beside it.
        FormatError: either is damaged, of another version, or the two do not belong together.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        documents: int = DOCUMENTS,
        rank: str = "bm25",
        seconds: float = 10.0,
    ) -> None:
        self._path = Path(path)
        self._documents, self._rank, self._seconds = documents, rank, seconds
        self._ranker = open_ranker(rank)
        with TextIndex(path) as index:
            self._held = index.summary
        self._vectors = TfidfVectors(self._path, self._held.fingerprint)
        self._index: TextIndex | None = None
        self._turn = asyncio.Lock()

    @property
    def name(self) -> str:
        """`tfidf`."""
        return "tfidf"

    @property
    def language(self) -> QueryLanguage:
        """Words."""
        return "text"

    @property
    def summary(self) -> str:
        """What it knows."""
        return f"{self._held.documents} documents of {self._path.stem}"

    @property
    def fingerprint(self) -> str:
        """Of the index, with how it is searched."""
        return f"tfidf:{self._held.fingerprint}:{self._rank}:{self._documents}"

    async def __aenter__(self) -> Self:
        self._index = TextIndex(self._path)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._index is not None:
            self._index.close()
            self._index = None

    async def search(self, query: Query, question: Question, *, limit: int) -> Found:
        """Sentences; see `Source.search`."""
        if self._index is None:
            raise RuntimeError("use the source inside 'async with'")
        try:
            async with self._turn:
                evidence = await asyncio.wait_for(
                    asyncio.to_thread(self._search, self._index, query, limit), self._seconds
                )
        except TimeoutError:
            return reply(self.name, query, failure=f"no answer within {self._seconds:g} s")
        except XgenError as error:
            return reply(self.name, query, failure=f"{error}")
        return reply(self.name, query, evidence)

    def _search(self, index: TextIndex, query: Query, limit: int) -> tuple[Evidence, ...]:
        best = self._vectors.best(query.text, limit=self._documents)
        passages = [passage for number, _ in best for passage in index.passages_of(number)]
        pieces = sentence_evidence(passages, self.name)
        return best_evidence(query.topic or query.text, pieces, self._ranker, limit=limit)


def open_tfidf(rest: str) -> TfidfSource:
    """The source `tfidf:REST`; settings as for `text:`, `documents=N` instead of passages."""
    path, settings = split_settings(rest, ("rank", "documents", "seconds"))
    return TfidfSource(
        path,
        documents=round(positive(settings, "documents", DOCUMENTS)) or 1,
        rank=settings.get("rank", "bm25"),
        seconds=positive(settings, "seconds", 10.0),
    )
