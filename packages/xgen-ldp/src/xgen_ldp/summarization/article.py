"""An article that is to be summarised, and how many are read from a file."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from xgen_core import InputError
from xgen_core.files import read_jsonl
from xgen_core.records import Record
from xgen_eval.inputs import check_text
from xgen_eval.rows import known_fields
from xgen_ldp.summarization.sentences import sentences

__all__ = ["Article", "read_articles"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Article(Record):
    """A text of many sentences, in one language.

    Attributes:
        id: other than every other article's.
        text: the article.
        summary: by a person; None where there is none, or where nobody may see it.
    """

    id: str
    text: str
    summary: str | None = None

    def __post_init__(self) -> None:
        if not self.id or not self.text.strip():
            raise ValueError("Article needs a non-empty id and text")

    @property
    def sentences(self) -> tuple[str, ...]:
        """Its sentences, each one line."""
        return sentences(self.text)

    def lead(self, longest: int) -> str:
        """Its first sentences as one line of at most so many characters; at least one sentence."""
        whole = self.sentences
        kept = whole[0][:longest]
        for sentence in whole[1:]:
            if len(kept) + 1 + len(sentence) > longest:
                break
            kept = f"{kept} {sentence}"
        return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    text: str
    id: str = ""
    summary: str | None = None

    def __post_init__(self) -> None:
        check_text(self.text)
        if not self.text.strip():
            raise ValueError("the text has nothing but white space in it")


def read_articles(path: Path | str) -> tuple[Article, ...]:
    """Read JSONL of `{"id", "text", "summary"}`; XL-Sum's files have this form.

    Text becomes Unicode NFC. A row without an id is called `FILE:LINE`; `summary` may be missing;
    other fields are ignored.

    Raises:
        InputError: no such file, none in it, a row of another form, or two of one id.
    """
    name = Path(path).name
    articles: dict[str, Article] = {}
    for number, row in enumerate(read_jsonl(path, lambda value: known_fields(_Row, value)), 1):
        article = Article(
            id=row.id or f"{name}:{number}",
            text=unicodedata.normalize("NFC", row.text),
            summary=row.summary and unicodedata.normalize("NFC", row.summary),
        )
        if article.id in articles:
            raise InputError(f"{path}: two articles are called {article.id!r}; ids must differ")
        articles[article.id] = article
    if not articles:
        raise InputError(f"{path}: no articles in it")
    return tuple(articles.values())
