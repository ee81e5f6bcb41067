# pyright: reportMissingImports=false, reportUnknownVariableType=false
"""datatrove's side of `tools/bench/data.py`; runs in an environment that has datatrove.

    python tools/bench/data_peer.py run CORPUS DIRECTORY TOKENIZER_JSON
    python tools/bench/data_peer.py judge CORPUS OUTPUT

`run` does what is timed, as FineWeb's published script does it: filters, MinHash in four stages,
tokenising. Whatever saves it work without changing the result is done: one process, nothing is
compressed, signatures are taken while documents are filtered, and what stays is written and
tokenised in one pass. `judge` writes each document's reason to be dropped, and is not timed.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FILTERS = ("GopherRepetitionFilter", "GopherQualityFilter", "C4QualityFilter")


def run(corpus: Path, directory: Path, tokenizer: Path) -> dict[str, float]:
    """Corpus to tokens; CPU seconds by stage.

    Args:
        corpus: a JSONL file, alone in its directory.
        directory: where everything goes; it is not there yet.
        tokenizer: a `tokenizer.json`.
    """
    from datatrove.executor.local import LocalPipelineExecutor
    from datatrove.pipeline import filters
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.tokens import DocumentTokenizer
    from datatrove.pipeline.writers.jsonl import JsonlWriter

    def path(name: str) -> str:
        return str(directory / name)

    seconds = {"start": time.process_time()}
    config = MinhashConfig()
    stages = {
        "filters, signatures": (
            [
                JsonlReader(str(corpus.parent), compression=None),
                *(getattr(filters, name)() for name in FILTERS),
                JsonlWriter(path("filtered"), "${rank}.jsonl", compression=None),
                MinhashDedupSignature(path("signatures"), config),
            ],
            1,
        ),
        "buckets": (
            [MinhashDedupBuckets(path("signatures"), path("buckets"), config=config)],
            config.num_buckets,
        ),
        "clusters": ([MinhashDedupCluster(path("buckets"), path("clusters"), config)], 1),
        "writing, tokens": (
            [
                JsonlReader(path("filtered"), compression=None),
                MinhashDedupFilter(path("clusters")),
                JsonlWriter(path("kept"), "${rank}.jsonl", compression=None),
                DocumentTokenizer(
                    path("tokens"), str(tokenizer), eos_token="<|endoftext|>", seed=0
                ),
            ],
            1,
        ),
    }
    for name, (pipeline, tasks) in stages.items():
        before = time.process_time()
        LocalPipelineExecutor(
            pipeline, tasks=tasks, workers=1, logging_dir=path("logs") + name
        ).run()
        seconds[name] = time.process_time() - before
    return seconds


def judge(corpus: Path) -> list[tuple[str, str]]:
    """Of each document its id and why it is dropped, or an empty string."""
    from datatrove.data import Document
    from datatrove.pipeline import filters

    steps: list[tuple[str, Callable[[Document], bool | tuple[bool, str]]]] = [
        (name, getattr(filters, name)().filter) for name in FILTERS
    ]
    found: list[tuple[str, str]] = []
    with corpus.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            document = Document(text=row["text"], id=row["id"])
            reason = ""
            for name, decide in steps:
                result = decide(document)
                if isinstance(result, tuple):
                    reason = f"{name}: {result[1]}"
                    break
            found.append((row["id"], reason))
    return found


def main() -> None:
    """Do what the arguments say."""
    if len(sys.argv) < 2:  # `make bench` calls every script without arguments
        print("called by tools/bench/data.py")
        return
    mode, corpus, *rest = sys.argv[1:]
    if mode == "judge":
        Path(rest[0]).write_text(json.dumps(judge(Path(corpus))), encoding="utf-8")
        return
    directory, tokenizer = map(Path, rest)
    seconds = run(Path(corpus), directory, tokenizer)
    (directory / "seconds.json").write_text(json.dumps(seconds), encoding="utf-8")


if __name__ == "__main__":
    main()
