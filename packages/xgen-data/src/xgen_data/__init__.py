"""From raw text to exactly-once training batches: documents, token store, order, batches.

    build(recipe, directory)      text → cleaned, deduplicated documents → token store
    TokenStore.open(directory)    lines of tokens
    Order(...)                    which tokens each row of each step reads; a pure function
    read_batch(store, order, i)   the arrays of step i
    Loader(store, order)          the same, prefetched (this one imports grain, and with it jax)

A recipe (`DataRecipe`) is made of `SourceConfig`s, steps (`xgen_data.steps`, `Decontaminate`),
`Deduplication` with `NearDuplicates` and `MinHash`, and `FillInTheMiddle`. `Processes`, `Ranks` and
`Ray` say who builds it. A `Mixture` of `Component`s says how many tokens of each source are read.
Instruction data are in `xgen_data.instruction`.

Names are loaded when first used, so that importing this package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xgen_data.batch import batch_digest, read_batch, validation_batches
    from xgen_data.builder import build
    from xgen_data.decontamination import Decontaminate
    from xgen_data.deduplication import Deduplication
    from xgen_data.documents import read_documents
    from xgen_data.encoding import Encoded, encode, encode_document
    from xgen_data.executor import Processes, Ranks, Ray
    from xgen_data.fim import FillInTheMiddle
    from xgen_data.loader import Loader
    from xgen_data.mixture import Component, Mixture, lay_over
    from xgen_data.order import Order, Windows
    from xgen_data.overlap import MinHash, NearDuplicates
    from xgen_data.overlap.benchmarks import Benchmark
    from xgen_data.recipe import DataRecipe, SourceConfig
    from xgen_data.schedule import LineSize, Stage
    from xgen_data.steps import DocumentStep, Drop, Step
    from xgen_data.store import TokenLine, TokenStore

__all__ = [
    "Benchmark",
    "Component",
    "DataRecipe",
    "Decontaminate",
    "Deduplication",
    "DocumentStep",
    "Drop",
    "Encoded",
    "FillInTheMiddle",
    "LineSize",
    "Loader",
    "MinHash",
    "Mixture",
    "NearDuplicates",
    "Order",
    "Processes",
    "Ranks",
    "Ray",
    "SourceConfig",
    "Stage",
    "Step",
    "TokenLine",
    "TokenStore",
    "Windows",
    "batch_digest",
    "build",
    "encode",
    "encode_document",
    "lay_over",
    "read_batch",
    "read_documents",
    "validation_batches",
]

_HOME = {
    "Benchmark": "overlap.benchmarks",
    "Component": "mixture",
    "DataRecipe": "recipe",
    "Decontaminate": "decontamination",
    "Deduplication": "deduplication",
    "DocumentStep": "steps",
    "Drop": "steps",
    "Encoded": "encoding",
    "FillInTheMiddle": "fim",
    "LineSize": "schedule",
    "Loader": "loader",
    "MinHash": "overlap",
    "Mixture": "mixture",
    "NearDuplicates": "overlap",
    "Order": "order",
    "Processes": "executor",
    "Ranks": "executor",
    "Ray": "executor",
    "SourceConfig": "recipe",
    "Stage": "schedule",
    "Step": "steps",
    "TokenLine": "store",
    "TokenStore": "store",
    "Windows": "order",
    "batch_digest": "batch",
    "build": "builder",
    "encode": "encoding",
    "encode_document": "encoding",
    "lay_over": "mixture",
    "read_batch": "batch",
    "read_documents": "documents",
    "validation_batches": "batch",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
