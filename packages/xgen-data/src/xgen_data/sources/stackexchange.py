r"""`stackexchange:PATH`: questions with their answers, from the data dumps of Stack Exchange.

A site's dump is an archive (`cooking.stackexchange.com.7z`: unpack it first) with a `Posts.xml`,
one `<row/>` a post in the order of their ids: questions (`PostTypeId` 1) and answers (2, with their
question as `ParentId`), the body as HTML. PATH is such a file, also compressed, or a directory with
one below it for each site.

A document is a question with all its answers, best score first, as RedPajama-1T has it:

    Q: TITLE

    BODY

    A: ANSWER

    A: ANSWER

HTML becomes text. (RedPajama's published code compares scores as strings, so 9 comes before 10;
here they are numbers, and of equal scores the older answer comes first. It took the 28 largest
sites.)
Questions without an answer are kept, as there; `stackexchange.answers` lets a step drop them.

Answers come anywhere after their question, and the largest site has tens of millions, so posts wait
in a temporary SQLite file, in `TMPDIR`, about as large as the texts of a part. A large site is
cut into parts by question id modulo their number: each reads the whole file, which is quick, and
turns its own share into text, which is not.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from xgen_core import Document, InputError
from xgen_core.records import Scalar
from xgen_data.recipe import SourceConfig
from xgen_data.sources.files import DamageError, group_files, list_files, part_files
from xgen_data.sources.html import html_to_text
from xgen_data.sources.reader import Part
from xgen_data.sources.xml import Element, local_name, read_elements
from xgen_data.steps import Drop, Item

__all__ = ["StackExchangeReader"]

_TABLE = """
CREATE TABLE posts (
    id INTEGER PRIMARY KEY, question INTEGER NOT NULL, answer INTEGER NOT NULL,
    score INTEGER NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, tags TEXT NOT NULL,
    licence TEXT NOT NULL, date TEXT NOT NULL
) STRICT
"""
_INSERT = "INSERT OR IGNORE INTO posts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ORDERED = "SELECT * FROM posts ORDER BY question, answer, score DESC, id"
_Post = tuple[int, int, int, int, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class StackExchangeReader:
    """Reads `stackexchange:PATH`.

    Attributes:
        part_bytes: a file is cut into one part for so many bytes.
    """

    part_bytes: int = 2**32

    def plan(self, config: SourceConfig) -> tuple[Part, ...]:
        """One part a site; a large site in parts by question id: part `start` of `stop`.

        Raises:
            InputError: no such file, or an archive that is to be unpacked first.
        """
        try:
            listing = list_files(config.rest, (".xml",))
        except InputError as error:
            raise InputError(f"stackexchange:{error}") from error
        if listing.single and listing.root.endswith(".7z"):
            raise InputError(f"{listing.root}: unpack it first, as 7z x {listing.root}")
        parts: list[Part] = []
        for part in group_files(listing, max_files=1):
            ((name, _),) = part_files(part)
            if not listing.single and not PurePosixPath(name).name.startswith("Posts.xml"):
                continue
            count = 1 + part.size // self.part_bytes
            size = part.size // count
            parts += [
                Part(path=part.path, files=part.files, start=k, stop=count, size=size)
                for k in range(count)
            ]
        return tuple(parts)

    def read(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Yield one document a question, in the order of their numbers; its id is `SITE/NUMBER`.

        Raises:
            InputError: no such file, or not a dump of posts.
        """
        ((_, path),) = part_files(part)
        with (
            tempfile.TemporaryDirectory(prefix="xgen-stackexchange-") as directory,
            closing(sqlite3.connect(Path(directory, "posts.sqlite"))) as posts,
        ):
            posts.execute("PRAGMA journal_mode = OFF")
            posts.execute("PRAGMA synchronous = OFF")
            posts.execute(_TABLE)
            damage = None
            try:
                posts.executemany(_INSERT, _posts(path, part.start, part.stop or 1))
            except DamageError as error:
                damage = error
            posts.execute("CREATE INDEX by_question ON posts (question, answer, score DESC, id)")
            yield from _documents(posts.execute(_ORDERED), _site(path), config.name)
            if damage is not None:
                example = f"{path}:{damage.offset}"
                yield Drop(reason=damage.reason, example=example, damaged=True)


def _site(path: str) -> str:
    """The site's name: that of the directory, which is the archive's."""
    parts = path.rstrip("/").split("/")
    name = parts[-1].partition(".xml")[0]
    if name == "Posts":
        return parts[-2] if len(parts) > 1 and parts[-2] else "posts"
    return name.removesuffix(".Posts").removesuffix("-Posts")


def _posts(path: str, start: int, count: int) -> Iterator[_Post]:
    for element in read_elements(path, "row"):
        name = local_name(element.tag)
        if name == "posts":
            continue
        if name != "row":
            raise InputError(f"{path}: expected the <posts> of Stack Exchange, found <{name}>")
        post = _post(element)
        if post is not None and post[1] % count == start:
            yield post


def _post(row: Element) -> _Post | None:
    kind = row.get("PostTypeId")
    try:
        number = int(row.get("Id", ""))
        question = int(row.get("ParentId", "")) if kind == "2" else number
        score = int(row.get("Score") or 0)
    except ValueError:
        return None
    if max(number, question, abs(score)) >= 2**63:  # more than SQLite holds, or any site has
        return None
    if kind not in ("1", "2"):  # wiki pages about tags, elections and the like
        return None
    return (
        number,
        question,
        int(kind == "2"),
        score,
        row.get("Title", ""),
        row.get("Body", ""),
        row.get("Tags", ""),
        row.get("ContentLicense", ""),
        row.get("CreationDate", ""),
    )


def _documents(posts: Iterator[_Post], site: str, source: str) -> Iterator[Item]:
    thread: list[_Post] = []
    for post in posts:
        if thread and thread[0][1] != post[1]:
            yield _document(thread, site, source)
            thread = []
        thread.append(post)
    if thread:
        yield _document(thread, site, source)


def _document(thread: list[_Post], site: str, source: str) -> Item:
    number, _, is_answer, score, title, body, tags, licence, date = thread[0]
    identity = f"{site}/{thread[0][1]}"
    if is_answer:  # its question was deleted
        return Drop(reason="answers without their question", example=identity)
    texts = [f"Q: {title}\n\n{html_to_text(body)}".strip()]
    texts += [f"A: {html_to_text(answer[5])}" for answer in thread[1:]]
    metadata: dict[str, Scalar] = {
        "stackexchange.site": site,
        "stackexchange.score": score,
        "stackexchange.answers": len(thread) - 1,
        # <a><b> in old dumps, |a|b| since 2024
        "stackexchange.tags": " ".join(tags.replace("><", " ").replace("|", " ").split()).strip(
            "<>"
        ),
        "stackexchange.licence": licence,
        "stackexchange.date": date,
    }
    if "." in site:
        metadata["stackexchange.url"] = f"https://{site}/questions/{number}"
    return Document(id=identity, text="\n\n".join(texts), source=source, metadata=metadata)
