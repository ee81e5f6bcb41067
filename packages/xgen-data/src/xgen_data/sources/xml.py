"""Large XML files as a stream of elements, in the memory of one element."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from xgen_data.sources.files import MAX_BYTES, DamageError, read_chunks

__all__ = ["Element", "local_name", "read_elements"]

_FEED = 2**16


def local_name(tag: str) -> str:
    """A tag without its namespace, `{http://…}page` say."""
    return tag.rpartition("}")[2]


def read_elements(path: str, *names: str, limit: int = MAX_BYTES) -> Iterator[Element]:
    """Yield the root element as soon as it begins, then each finished element with one of `names`.

    What was given out is emptied afterwards, and so is everything that is a child of the root: the
    memory is that of one such child. Entities that multiply are refused by expat itself (since
    2.4.1), and those that name other files are never opened.

    Args:
        path: local or a URL; decompressed.
        names: local names of the elements wanted.
        limit: bytes after which an element without an end is given up.

    Raises:
        InputError: no such file.
        DamageError: not well-formed, cut off, or an element beyond the limit; says line and column.
    """
    parser = XMLPullParser(("start", "end"))
    root: Element | None = None
    depth = 0
    since = 0
    empty = True
    for chunk in read_chunks(path):
        for begin in range(0, len(chunk), _FEED):
            piece = chunk[begin : begin + _FEED]
            empty = False
            since += len(piece)
            parser.feed(piece)
            try:
                for event, element in cast(Iterator[tuple[str, Element]], parser.read_events()):
                    if event == "start":
                        depth += 1
                        if root is None:
                            root = element
                            yield element
                        continue
                    depth -= 1
                    if local_name(element.tag) in names:
                        yield element
                    if depth == 1 and root is not None:
                        root.clear()
                        since = 0
            except ParseError as error:
                raise _damage("broken XML", error) from error
            if since > limit + _FEED:
                raise DamageError(f"XML element larger than {limit // 2**20} MiB", "unknown")
    if empty:
        return
    try:
        parser.close()
    except ParseError as error:
        raise _damage("the XML is truncated", error) from error


def _damage(reason: str, error: ParseError) -> DamageError:
    line, column = error.position
    return DamageError(reason, f"{line}:{column}")
