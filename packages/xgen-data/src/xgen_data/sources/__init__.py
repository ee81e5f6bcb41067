"""Where documents come from, by URI.

    text:PATH              a file, or the .txt, .md and .rst files below a directory
    code:DIR               source files below a directory, by extension
    jsonl:FILE             rows {"text": …, "id": …, "meta": {…}}; also .jsonl.gz
    python:stdlib          the running Python's standard library; also stdlib-code, stdlib-docs
    hf:DIR                 a data set that `datasets` saved to disk; hf:DIR#SPLIT for one split

A source is a function of what follows the scheme and of the source's name. It yields documents in
an order that depends on the input alone, and a `Drop` for everything that it passes over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from xgen_core import InputError
from xgen_core.codec import unknown_name
from xgen_data.recipe import SourceConfig
from xgen_data.sources.code import read_code
from xgen_data.sources.hugging_face import read_hugging_face
from xgen_data.sources.jsonl import read_rows
from xgen_data.sources.python import read_python
from xgen_data.sources.text import read_text
from xgen_data.steps import Drop, Item

__all__ = ["SOURCES", "read_source"]

SOURCES: dict[str, Callable[[str, str], Iterator[Item]]] = {
    "text": read_text,
    "code": read_code,
    "jsonl": read_rows,
    "python": read_python,
    "hf": read_hugging_face,
}


def read_source(config: SourceConfig) -> Iterator[Item]:
    """Yield what the source at `config.uri` holds, under the name `config.name`.

    Raises:
        InputError: an unknown scheme, a path that does not exist, or a source without a document.
    """
    scheme, colon, rest = config.uri.partition(":")
    if not colon or scheme not in SOURCES:
        raise InputError(
            f"source {config.name!r}: " + unknown_name(scheme, list(SOURCES), "scheme")
        )
    documents = dropped = 0
    last = None
    for item in SOURCES[scheme](rest, config.name):
        if isinstance(item, Drop):
            dropped, last = dropped + 1, item
        else:
            documents += 1
        yield item
    if not documents:
        why = f"; {dropped} passed over, such as {last.example}: {last.reason}" if last else ""
        raise InputError(f"source {config.name!r}: no document in {config.uri}{why}")


def plan_source(config):
    from xgen_data.sources.reader import Part

    return (Part(path=config.rest),)


def read_part(config, part):
    return read_source(config)
