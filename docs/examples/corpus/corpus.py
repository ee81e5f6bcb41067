"""A recipe with all that a build can do; `docs/data/prepare.md` explains it.

python make_pages.py
xgen data build corpus.py:small --output runs/small
"""

from __future__ import annotations

from xgen_data import (
    Benchmark,
    DataRecipe,
    Decontaminate,
    Deduplication,
    FillInTheMiddle,
    NearDuplicates,
    SourceConfig,
)
from xgen_data.steps import (
    CodeQuality,
    GopherQuality,
    GopherRepetition,
    Language,
    PersonalData,
    Secrets,
    Unicode,
)


def small() -> DataRecipe:
    """Made-up pages, and the standard library as documentation and as code."""
    exam = Benchmark(name="exam", path="exam.jsonl")
    return DataRecipe(
        sources=(
            SourceConfig(
                name="pages",
                uri="jsonl:pages.jsonl",
                steps=(Unicode(), Language(keep=("en",)), GopherRepetition(), GopherQuality()),
            ),
            SourceConfig(name="docs", uri="python:stdlib-docs"),
            SourceConfig(
                name="code",
                uri="python:stdlib-code",
                steps=(CodeQuality(), Secrets()),
                fim=FillInTheMiddle(rate=0.5),
            ),
        ),
        steps=(PersonalData(), Decontaminate(benchmarks=(exam,))),  # after each source's own
        deduplicate=Deduplication(url="url", date="date", near=NearDuplicates()),
        validation_fraction=0.02,
        shard_bytes=2**22,
    )
