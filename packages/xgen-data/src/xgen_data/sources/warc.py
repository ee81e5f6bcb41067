"""`warc:PATH`: web pages of WARC files, and the plain text of WET files, as Common Crawl has them.

A WARC file is a sequence of records, each a header like that of an e-mail, an empty line, a block
of `Content-Length` bytes and two line ends (ISO 28500:2017); in a `.warc.gz` every record is a gzip
member of its own. Of a WARC file the *response* records are read: an HTTP answer with the page as
the server sent it. A WET file has *conversion* records: text that somebody extracted already, here
taken as it is.

The text of a page is extracted by `resiliparse` (`pip install 'xgen-data[web]'`): main content
only, without menus, adverts and footers. (It is compiled; `trafilatura`, the other candidate, was
more than ten times as slow on the pages tried.) The encoding is found as browsers find it, see
`html.decode_html`.

Metadata: `warc.url`, `warc.date`, `warc.content_type`, `warc.digest`, `warc.encoding`,
`warc.language` where the record has them. A document's id is the record's.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xgen_core import Document, InputError, MissingExtraError
from xgen_core.records import Scalar
from xgen_data.recipe import SourceConfig
from xgen_data.sources.files import MAX_BYTES, DamageError, group_files, list_files, open_bytes
from xgen_data.sources.files import part_files as files_of
from xgen_data.sources.html import decode_html
from xgen_data.sources.reader import Part
from xgen_data.sources.rows import without_surrogates
from xgen_data.sources.tree import TOO_LARGE
from xgen_data.steps import Drop, Item

__all__ = ["Page", "Record", "WarcReader", "main_text", "read_page", "read_records"]

SUFFIXES = frozenset({".warc", ".wet"})
_MAX_HEADER = 2**16
_HTML = ("text/html", "application/xhtml+xml")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Record:
    """One record.

    Attributes:
        headers: by lower-case name.
        body: its block, or None where that is too large to look at.
        offset: where it begins, in decompressed bytes.
    """

    headers: Mapping[str, str]
    body: bytes | None
    offset: int

    @property
    def kind(self) -> str:
        """Its type: `response`, `conversion`, `request`, `warcinfo` and others."""
        return self.headers.get("warc-type", "")


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a response record, decoded."""

    html: str
    encoding: str
    content_type: str


@dataclass(frozen=True, slots=True)
class WarcReader:
    """Reads `warc:PATH`."""

    def plan(self, config: SourceConfig) -> tuple[Part, ...]:
        """One part a file.

        Raises:
            InputError: no such file.
        """
        try:
            return group_files(list_files(config.rest, SUFFIXES), max_files=1)
        except InputError as error:
            raise InputError(f"warc:{error}") from error

    def read(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Yield one document a page; requests, metadata and the like are not counted.

        Raises:
            InputError: no such file.
            MissingExtraError: resiliparse is not installed, and there are pages.
        """
        for _, path in files_of(part):
            try:
                for record in read_records(path):
                    if record.kind in ("response", "conversion"):
                        yield _document(record, path, config.name)
            except DamageError as damage:
                example = f"{path}:{damage.offset}"
                yield Drop(reason=damage.reason, example=example, damaged=True)


def read_records(path: str, limit: int = MAX_BYTES) -> Iterator[Record]:
    """Yield the records of a WARC or WET file.

    Raises:
        InputError: no such file.
        DamageError: the file breaks off, or something is not a record; where that is.
    """
    with open_bytes(path) as stream:
        offset = 0
        while True:
            line = stream.readline(_MAX_HEADER)
            if not line:
                return
            begin = offset
            offset += len(line)
            if not line.strip():
                continue
            if not line.startswith((b"WARC/1.", b"WARC/0.")):
                raise DamageError("not a WARC record", begin)
            headers, size = _headers(stream, begin)
            offset += size
            length = headers.get("content-length", "")
            if not length.isdecimal():
                raise DamageError("a WARC record without its length", begin)
            body = _block(stream, int(length), limit, begin)
            offset += int(length)
            yield Record(headers, body, begin)


def _headers(stream: io.BufferedReader, begin: int) -> tuple[dict[str, str], int]:
    headers: dict[str, str] = {}
    last = ""
    size = 0
    while True:
        line = stream.readline(_MAX_HEADER)
        size += len(line)
        if not line or size > _MAX_HEADER:
            raise DamageError("the WARC file is truncated", begin)
        if not line.strip():
            return headers, size
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text[0] in " \t" and last:
            headers[last] += " " + text.strip()
            continue
        name, _, value = text.partition(":")
        last = name.strip().lower()
        headers.setdefault(last, value.strip())


def _block(stream: io.BufferedReader, length: int, limit: int, begin: int) -> bytes | None:
    if length <= limit:
        body = stream.read(length)
        if len(body) < length:
            raise DamageError("the WARC file is truncated", begin)
        return body
    while length:
        piece = stream.read(min(length, 2**20))
        if not piece:
            raise DamageError("the WARC file is truncated", begin)
        length -= len(piece)
    return None


def _document(record: Record, path: str, source: str) -> Item:
    headers = record.headers
    identity = headers.get("warc-record-id", "").strip("<>") or f"{path}:{record.offset}"
    metadata: dict[str, Scalar] = {}
    if record.kind == "conversion":
        if record.body is None:
            return Drop(reason=TOO_LARGE, example=identity)
        text, encoding = decode_html(record.body, "utf-8")
        content_type = headers.get("content-type", "")
    else:
        page = read_page(record)
        if isinstance(page, str):
            return Drop(reason=page, example=identity)
        text, encoding = main_text(page.html), page.encoding
        content_type = page.content_type
    if not text.strip():
        return Drop(reason="no text", example=identity)
    metadata = {
        "warc.url": headers.get("warc-target-uri", "").strip("<>"),
        "warc.date": headers.get("warc-date", ""),
        "warc.content_type": content_type,
        "warc.digest": headers.get("warc-payload-digest") or headers.get("warc-block-digest", ""),
        "warc.encoding": encoding,
        "warc.language": headers.get("warc-identified-content-language", ""),
    }
    return Document(
        id=identity,
        text=without_surrogates(text),
        source=source,
        metadata={name: value for name, value in metadata.items() if value},
    )


def main_text(html: str) -> str:
    """The main content of a page as plain text.

    Raises:
        MissingExtraError: resiliparse is not installed.
    """
    try:
        from resiliparse.extract.html2text import extract_plain_text
    except ImportError as error:
        raise MissingExtraError("extracting text from web pages", "xgen-data[web]") from error
    return extract_plain_text(
        without_surrogates(html).replace("\0", ""),
        main_content=True,
        alt_texts=False,
        links=False,
    )


def read_page(record: Record) -> Page | str:
    """The page of a response record, or a fixed phrase that says why there is none."""
    if record.body is None:
        return TOO_LARGE
    head, found, body = record.body.partition(b"\r\n\r\n")
    if not found:
        head, found, body = record.body.partition(b"\n\n")
    lines = head.decode("latin-1").splitlines()
    if not found or not lines or not lines[0].startswith("HTTP/"):
        return "not an HTTP response"
    if lines[0].split(" ")[1:2] != ["200"]:
        return "HTTP status other than 200"
    pairs = (line.partition(":") for line in lines[1:])
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type and content_type not in _HTML:
        return "not HTML"
    try:
        content = _unpack(body, headers)
    except (zlib.error, ValueError):
        return "an HTTP body that does not decode"
    if content is None:
        return TOO_LARGE
    charset = _CHARSET.search(headers.get("content-type", ""))
    html, encoding = decode_html(content, charset[1] if charset else "")
    return Page(html, encoding, content_type)


def _unpack(body: bytes, headers: Mapping[str, str]) -> bytes | None:
    """Undo transfer and content encoding; Common Crawl did so already, other crawlers do not."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = _unchunk(body)
    encoding = headers.get("content-encoding", "").lower()
    if encoding in ("gzip", "x-gzip") or (encoding and body.startswith(b"\x1f\x8b")):
        if not body.startswith(b"\x1f\x8b"):
            return body  # the header was kept although the body was decoded
        decoder = zlib.decompressobj(wbits=31)
    elif encoding == "deflate":
        decoder = zlib.decompressobj() if body[:1] == b"\x78" else zlib.decompressobj(wbits=-15)
    else:
        return body
    content = decoder.decompress(body, MAX_BYTES)
    return None if decoder.unconsumed_tail else content


def _unchunk(body: bytes) -> bytes:
    """Join the chunks of a body; one that is not in chunks, whatever its header says, stays."""
    if not re.match(rb"[0-9a-fA-F]{1,8}[ \t]*(;[^\r\n]*)?\r\n", body):
        return body
    pieces: list[bytes] = []
    at = 0
    while True:
        end = body.find(b"\r\n", at)
        size = int(body[at:end].partition(b";")[0] or b"x", 16) if end >= 0 else 0
        if not size:
            return b"".join(pieces)
        pieces.append(body[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
