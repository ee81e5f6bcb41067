"""Where documents come from, by URI.

    text:PATH              a file, or the .txt, .md and .rst files below a directory
    code:DIR               source files below a directory, by extension
    jsonl:PATH             rows {"text": …, "id": …, "meta": {…}}; also .gz, .zst, .bz2, .xz
    parquet:PATH           rows of Parquet files
    python:stdlib          the running Python's standard library; also stdlib-code, stdlib-docs
    hf:DIR                 a data set that `datasets` saved to disk; hf:DIR#SPLIT for one split
    hub:NAME               a data set on the Hugging Face hub, streamed; hub:NAME#CONFIG@SPLIT
    wikipedia:PATH         articles of MediaWiki XML dumps
    stackexchange:PATH     questions with answers from Posts.xml of Stack Exchange's dumps
    warc:PATH              pages of WARC files, texts of WET files
    arxiv:PATH             papers from LaTeX sources, as arXiv hands them out
    books:PATH             plain-text books, without Project Gutenberg's header and footer
    dm-math:DIR            DeepMind Mathematics, packed as in the Pile
    code-blocks:PATH       code that web pages show; code-blocks:PATH#apex for one language

PATH is a file, a directory or a glob, local or a URL that `fsspec` opens (`gs://…`, `s3://…`).
A reader cuts a source into parts and reads each by itself, in an order that depends on the input
alone; it yields a `Drop` for everything that it passes over. Other packages add kinds of sources
by an entry point in the group `xgen.sources`: the scheme is its name, an object with the methods of
`Reader` its value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal, cast

from xgen_core import InputError, plugins
from xgen_core.codec import unknown_name
from xgen_data.recipe import SourceConfig
from xgen_data.sources.arxiv import ArxivReader
from xgen_data.sources.books import BooksReader
from xgen_data.sources.code import CodeReader
from xgen_data.sources.code_blocks import CodeBlocksReader
from xgen_data.sources.dm_math import DmMathReader
from xgen_data.sources.files import DamageError
from xgen_data.sources.hugging_face import HubReader, SavedReader
from xgen_data.sources.jsonl import JsonlReader, line_number
from xgen_data.sources.parquet import ParquetReader
from xgen_data.sources.python import PythonReader
from xgen_data.sources.reader import Part, Reader
from xgen_data.sources.stackexchange import StackExchangeReader
from xgen_data.sources.text import TextReader
from xgen_data.sources.warc import WarcReader
from xgen_data.sources.wikipedia import WikipediaReader
from xgen_data.steps import Drop, Item

__all__ = [
    "SOURCES",
    "Part",
    "Reader",
    "describe_damage",
    "open_reader",
    "plan_source",
    "read_part",
    "read_source",
]

SOURCES: Mapping[str, Reader] = MappingProxyType(
    {
        "text": TextReader(),
        "code": CodeReader(),
        "jsonl": JsonlReader(),
        "parquet": ParquetReader(),
        "python": PythonReader(),
        "hf": SavedReader(),
        "hub": HubReader(),
        "wikipedia": WikipediaReader(),
        "stackexchange": StackExchangeReader(),
        "warc": WarcReader(),
        "arxiv": ArxivReader(),
        "books": BooksReader(),
        "dm-math": DmMathReader(),
        "code-blocks": CodeBlocksReader(),
    }
)
"""The readers of this package, by scheme."""
_GROUP = "xgen.sources"


def open_reader(config: SourceConfig) -> Reader:
    """The reader of a source's scheme: one of ours, or a plug-in's.

    Raises:
        InputError: nobody knows the scheme.
        PluginError: the plug-in that does cannot be imported.
    """
    scheme = config.scheme if ":" in config.uri else ""
    if scheme in SOURCES:
        return SOURCES[scheme]
    added = plugins.available(_GROUP)
    if scheme in added:
        return cast(Reader, plugins.load(_GROUP, scheme))
    known = [*SOURCES, *added]
    raise InputError(f"source {config.name!r}: " + unknown_name(config.scheme, known, "scheme"))


def plan_source(config: SourceConfig) -> tuple[Part, ...]:
    """The parts of a source, in order; none where there is nothing to read.

    Raises:
        InputError: an unknown scheme, or a source that does not exist.
    """
    return tuple(open_reader(config).plan(config))


def read_part(config: SourceConfig, part: Part) -> Iterator[Item]:
    """Yield the documents of one part, and a `Drop` for what is passed over or damaged.

    Raises:
        InputError: the part is gone or cannot be read at all.
    """
    return open_reader(config).read(part, config)


def read_source(
    config: SourceConfig, *, damaged: Literal["stop", "drop"] = "stop"
) -> Iterator[Item]:
    """Yield what the source at `config.uri` holds, under the name `config.name`.

    Args:
        config: which source.
        damaged: `"stop"` at damaged input, or `"drop"`: yield its `Drop` and go on.

    Raises:
        InputError: an unknown scheme, a path that does not exist, damaged input, or a source
            without a document.
    """
    documents = dropped = 0
    last = None
    for part in plan_source(config):
        for item in read_part(config, part):
            if isinstance(item, Drop):
                if item.damaged and damaged == "stop":
                    raise InputError(describe_damage(config, item))
                dropped, last = dropped + 1, item
            else:
                documents += 1
            yield item
    if not documents:
        why = f"; {dropped} passed over, such as {last.example}: {last.reason}" if last else ""
        raise InputError(f"source {config.name!r}: no document in {config.uri}{why}")


def describe_damage(config: SourceConfig, drop: Drop) -> str:
    """One line about damaged input for people: where it is, by line in a `jsonl:` source, and what.

    Such a line is looked for by reading the file up to there.
    """
    path, _, offset = drop.example.rpartition(":")
    if config.scheme == "jsonl" and offset.isdecimal():
        try:
            return f"{path}:{line_number(path, int(offset))}: {drop.reason}"
        except (
            InputError,
            DamageError,
        ):  # it is the stream that is broken, so no line can be named
            pass
    return f"{drop.example}: {drop.reason}"
