"""Our side of `tools/bench/data.py`, and the comparison of both.

python tools/bench/data_ours.py prepare DIRECTORY        tokenizer.json for datatrove
python tools/bench/data_ours.py run CORPUS STORE NAME    what is timed
python tools/bench/data_ours.py compare CORPUS WORK      decisions, texts and ids of both
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import struct
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from xgen_core import Document
from xgen_core.files import read_jsonl
from xgen_data import DataRecipe, Drop, SourceConfig, build
from xgen_data.deduplication import Deduplication
from xgen_data.overlap import MinHash, NearDuplicates, jaccard, shingle_sets
from xgen_data.steps import C4Quality, GopherQuality, GopherRepetition, Step

THRESHOLD = 0.72
STEPS: tuple[Step, ...] = (GopherRepetition(), GopherQuality(), C4Quality())
PEER_FILTERS = ("GopherRepetitionFilter", "GopherQualityFilter", "C4QualityFilter")
MINHASH = MinHash(bands=14, rows=8)
TOKENIZERS = {"ours": "xgen:tiktoken", "ours:fast": "xgen:fast"}
CAUSES = {
    "filters": "a filter decides differently",
    "bands": "no band in common on one side only, though similar enough",
    "similarity": f"datatrove removes what is less than {THRESHOLD} like anything that ours keeps",
    "choice": "each keeps one of the group, another one",
}
EDGES = (0.0, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)


def recipe(corpus: Path, tokenizer: str) -> DataRecipe:
    """What datatrove does, with nothing beside it that drops a document."""
    return DataRecipe(
        sources=(SourceConfig(name="corpus", uri=f"jsonl:{corpus}"),),
        steps=STEPS,
        deduplicate=Deduplication(
            near=NearDuplicates(threshold=THRESHOLD), minhash=MINHASH, expected_removal=1.0
        ),
        validation_fraction=0.0,
        min_chars=1,
        max_line=2**31,
        tokenizer=tokenizer,
    )


def prepare(directory: Path) -> list[str]:
    """Export the tokenizer; the names of the ways to run ours."""
    from xgen_tokenizer import export, open_xgen

    export(open_xgen("tiktoken"), directory)
    fast = importlib.util.find_spec("gigatoken") is not None
    return [name for name in TOKENIZERS if fast or name != "ours:fast"]


def run(corpus: Path, store: Path, name: str) -> None:
    """Corpus to token store, and the CPU seconds of the two halves."""
    seconds = {"start": time.process_time()}
    for stage in ("documents", "tokens"):
        before = time.process_time()
        build(recipe(corpus, TOKENIZERS[name]), store, until=stage)
        seconds[stage] = time.process_time() - before
    (store / "seconds.json").write_text(json.dumps(seconds), encoding="utf-8")


def judge(documents: Sequence[Document]) -> tuple[dict[str, str], dict[str, str]]:
    """Why the steps drop each document, or an empty string; and what those that pass become."""
    reasons = {document.id: "" for document in documents}
    left = list(documents)
    for step in STEPS:
        results = step.apply(left)
        for document, result in zip(left, results, strict=True):
            if isinstance(result, Drop):
                reasons[document.id] = f"{step.kind}: {result.reason}"
        left = [result for result in results if isinstance(result, Document)]
    return reasons, {document.id: document.text for document in left}


def clusters(work: Path, order: Sequence[str]) -> dict[str, str]:
    """Of each document that datatrove linked to another the name of its cluster."""
    root: dict[int, int] = {}

    def find(x: int) -> int:
        while root.setdefault(x, x) != x:
            x = root[x]
        return x

    for path in sorted((work / "datatrove" / "buckets").glob("*.dups")):
        for _, left, _, right in struct.iter_unpack("<4I", path.read_bytes()):
            root[find(left)] = find(right)
    return {order[x]: order[find(x)] for x in list(root)}


def jsonl(paths: Iterable[Path]) -> dict[str, str]:
    """Texts by id."""
    return {d.id: d.text for path in sorted(paths) for d in read_jsonl(path, Document.from_json)}


def their_jsonl(directory: Path) -> dict[str, str]:
    """Texts by id, in datatrove's order."""
    rows = [json.loads(line) for p in sorted(directory.glob("*.jsonl")) for line in p.open("rb")]
    return {row["id"]: row["text"] for row in rows}


def equal_ids(work: Path, texts: Sequence[str]) -> dict[str, int]:
    """How many documents of datatrove's tokens are what our tokenizer makes of the same texts."""
    import numpy as np

    from xgen_core import open_tokenizer
    from xgen_data.encoding import encode_texts

    directory = work / "datatrove" / "tokens"
    (index,) = directory.glob("*.ds.index")
    ends = np.fromfile(index, np.uint64).astype(np.int64)
    ids = np.fromfile(index.with_suffix(""), np.uint16)
    theirs = Counter(hashed(ids, [0, *ends.tolist()]))
    tokenizer = open_tokenizer("xgen:tiktoken")
    mine, offsets = encode_texts(texts, tokenizer)
    ours = Counter(hashed(mine.astype(np.uint16), offsets.tolist()))
    named = sum(any(name in text for name in tokenizer.special_ids) for text in texts)
    return {"documents": len(texts), "equal": (ours & theirs).total(), "special": named}


def hashed(ids: Any, edges: Sequence[int]) -> list[bytes]:
    """A hash of every stretch of ids."""
    return [hashlib.sha256(ids[a:b].tobytes()).digest() for a, b in pairwise(edges)]


def stage(name: str, among: Sequence[str], ours: set[str], theirs: set[str]) -> dict[str, Any]:
    """One row of the table of agreement: of the documents that came so far, what is kept."""
    same = sum((i in ours) == (i in theirs) for i in among)
    return {
        "stage": name,
        "documents": len(among),
        "equal": same / max(1, len(among)),
        "ours": len(ours & set(among)),
        "theirs": len(theirs & set(among)),
    }


def filter_stages(ours: dict[str, str], theirs: dict[str, str]) -> list[dict[str, Any]]:
    """Agreement on what came to each filter on both sides, and on all filters together."""
    rows: list[dict[str, Any]] = []
    among = list(ours)
    for step, peer in zip(STEPS, PEER_FILTERS, strict=True):
        sides = [
            {name for name in among if not why[name].startswith(f"{kind}:")}
            for why, kind in ((ours, step.kind), (theirs, peer))
        ]
        rows.append(stage(step.kind, among, *sides))
        among = [name for name in among if all(name in side for side in sides)]
    kept = ({name for name, reason in why.items() if not reason} for why in (ours, theirs))
    return [*rows, stage("all filters", list(ours), *kept)]


def compare(corpus: Path, work: Path) -> dict[str, Any]:
    """All that is printed beside the speed."""
    documents = [
        Document(id=row["id"], text=row["text"], source="corpus")
        for row in map(json.loads, corpus.open("rb"))
    ]
    everything = [document.id for document in documents]
    reasons, passed = judge(documents)
    their_reasons = dict(json.loads((work / "judged.json").read_text()))
    filtered, their_kept = (their_jsonl(work / "datatrove" / n) for n in ("filtered", "kept"))
    kept = jsonl((work / "ours" / "documents" / "train").glob("*.jsonl"))
    for what, told, done in (
        ("datatrove", {i for i, reason in their_reasons.items() if not reason}, set(filtered)),
        ("ours", set(passed), set(passed) | set(kept)),
    ):
        if told != done:
            raise SystemExit(f"{what}: judged and timed runs differ: {sorted(told ^ done)[:5]}")
    near: dict[str, tuple[str, float]] = {}
    for line in (work / "ours" / "documents" / "near-duplicates.jsonl").open("rb"):
        row = json.loads(line)
        near[row["id"]] = (row["like_id"], row["jaccard"])
    cluster = clusters(work, list(filtered))

    both = [name for name in everything if not reasons[name] and not their_reasons[name]]
    chosen = exchanged(both, kept, their_kept, cluster, near)
    stages = filter_stages(reasons, their_reasons)
    for among, outside in ((both, set[str]()), (everything, set(kept) - set(both))):
        label = "near-duplicates" if among is both else "in all"
        stages.append(stage(label, among, set(kept), set(their_kept)))
        stages.append(stage("… one of a group", among, chosen | outside, set(their_kept)))

    sets = dict(zip(filtered, shingle_sets(list(filtered.values())), strict=True))
    members: dict[str, list[str]] = defaultdict(list)
    for name in their_kept:
        if name in cluster:
            members[cluster[name]].append(name)

    def likeness(name: str) -> float:
        alike = (jaccard(sets[name], sets[other]) for other in members[cluster[name]])
        return max(alike, default=0.0)

    gone = {name: likeness(name) for name in filtered if name not in their_kept}

    def ours_of(name: str) -> str:
        if reasons[name] or name in kept:
            return reasons[name] or "kept"
        if name in near:
            return f"near-duplicate of {near[name][0]}, Jaccard {near[name][1]:.3f}"
        return "exact copy"

    def theirs_of(name: str) -> str:
        if their_reasons[name] or name in their_kept:
            return their_reasons[name] or "kept"
        return f"MinHash; Jaccard with what is kept of its cluster {gone[name]:.3f}"

    ours_sets = {name: shingle_sets([passed[name]])[0] for name in kept}

    def cause(name: str) -> str:
        if reasons[name] or their_reasons[name]:
            return "filters"
        if (name in chosen) == (name in their_kept):
            return "choice"
        if name not in kept:
            return "bands"  # it is as similar as was asked, and only ours has a band in common
        others = (s for other, s in ours_sets.items() if other != name)
        alike = max((jaccard(ours_sets[name], s) for s in others), default=0.0)
        return "similarity" if alike < THRESHOLD else "bands"

    differences = [
        {"id": name, "cause": cause(name), "ours": ours_of(name), "theirs": theirs_of(name)}
        for name in everything
        if (name in kept) != (name in their_kept)
    ]
    differences.sort(key=lambda row: list(CAUSES).index(row["cause"]))
    shared = [name for name in kept if name in their_kept]
    copies = sum(1 for name in passed if name not in kept)
    return {
        "stages": stages,
        "text": {
            "both": len(shared),
            "equal": sum(kept[name] == their_kept[name] for name in shared),
        },
        "ids": equal_ids(work, list(their_kept.values())),
        "removal": {
            "threshold": THRESHOLD,
            "ours": copies,
            "theirs": len(gone),
            "theirs_unlike": sum(value < THRESHOLD for value in gone.values()),
        },
        "planted": planted(both, passed, kept, their_kept),
        "causes": {
            text: sum(row["cause"] == cause for row in differences)
            for cause, text in CAUSES.items()
        },
        "differences": differences,
    }


def exchanged(
    both: Sequence[str],
    kept: dict[str, str],
    their_kept: dict[str, str],
    cluster: dict[str, str],
    near: dict[str, tuple[str, float]],
) -> set[str]:
    """What ours keeps, but of a group the same document as datatrove where each keeps one.

    A group is what either links: datatrove's clusters, joined with our removals and what they are
    like. Where ours keeps more or fewer of it than datatrove, so many decisions differ.
    """
    root: dict[str, str] = {}

    def find(x: str) -> str:
        while root.setdefault(x, x) != x:
            x = root[x]
        return x

    links = [*cluster.items(), *((name, like) for name, (like, _) in near.items())]
    for left, right in links:
        root[find(left)] = find(right)
    groups: dict[str, list[str]] = defaultdict(list)
    for name in both:
        groups[find(name)].append(name)
    chosen: set[str] = set()
    for group in groups.values():
        ours = [name for name in group if name in kept]
        theirs = [name for name in group if name in their_kept]
        swapped = theirs[: len(ours)]
        spare = [name for name in ours if name not in swapped]
        chosen.update(swapped, spare[: len(ours) - len(swapped)])
    return chosen


def planted(
    both: Sequence[str], passed: dict[str, str], *sides: dict[str, str]
) -> list[dict[str, Any]]:
    """How often each side removes one of a planted pair, by how similar they are in the end."""
    through = set(both)
    pairs = [(name.removeprefix("near:"), name) for name in both if name.startswith("near:")]
    pairs = [pair for pair in pairs if pair[0] in through]
    sets = shingle_sets([passed[name] for pair in pairs for name in pair])
    found = [jaccard(a, b) for a, b in zip(sets[::2], sets[1::2], strict=True)]
    rows: list[dict[str, Any]] = []
    for low, high in pairwise(EDGES):
        mine = [
            pair
            for pair, value in zip(pairs, found, strict=True)
            if low <= value < high or value == high == 1
        ]
        shares = [
            sum(not all(name in side for name in pair) for pair in mine) / max(1, len(mine))
            for side in sides
        ]
        row = {"low": low, "high": high, "pairs": len(mine), "ours": shares[0], "theirs": shares[1]}
        rows.append(row)
    return [row for row in rows if row["pairs"]]


def main() -> None:
    """Do what the arguments say."""
    if len(sys.argv) < 3:  # `make bench` calls every script without arguments
        print("called by tools/bench/data.py")
        return
    mode, first, *rest = sys.argv[1:]
    work: dict[str, Callable[[], object]] = {
        "prepare": lambda: print(json.dumps(prepare(Path(first)))),
        "run": lambda: run(Path(first), Path(rest[0]), rest[1]),
        "compare": lambda: Path(rest[0], "findings.json").write_text(
            json.dumps(compare(Path(first), Path(rest[0])), ensure_ascii=False), encoding="utf-8"
        ),
    }
    work[mode]()


if __name__ == "__main__":
    main()
