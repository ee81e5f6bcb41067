"""Canaries (Carlini et al. 2019): sentences with a random secret, put into training data.

How much likelier a model finds the true secret than others of the same form says how well it
remembers what it saw so often. A file of canaries is a file of documents, ready for
`xgen data build`; the task `canary_exposure` reads the same file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xgen_core import Document
from xgen_core.records import Record
from xgen_eval.seeded.draws import integer
from xgen_eval.seeded.words import phrases

__all__ = ["Canary", "canaries_in", "canary_documents", "make_canaries"]

_PREFIX, _SECRET, _COPIES = "canary.prefix", "canary.secret", "canary.copies"
_SOURCE = "canaries"
_TEMPLATE = "The secret code of {name} is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary(Record):
    """One canary.

    Attributes:
        prefix: what stands before the secret.
        secret: digits.
        copies: how often it stands in the training data.
    """

    prefix: str
    secret: str
    copies: int

    def __post_init__(self) -> None:
        if not self.prefix or not self.secret.isdigit() or self.copies < 0:
            raise ValueError(f"expected a prefix, digits and copies, got {self}")

    def text(self, secret: str) -> str:
        """What follows the prefix, for the true or another secret."""
        return f" {secret}."

    def others(self, count: int, seed: int) -> list[str]:
        """Other secrets of the same length, drawn with a seed, no two alike.

        Raises:
            ValueError: there are not so many.
        """
        digits = len(self.secret)
        if count > 10**digits // 2:
            raise ValueError(f"there are not {count} other secrets of {digits} digits to draw")
        found: dict[str, None] = {}
        draw = 0
        while len(found) < count:
            secret = _secret(digits, seed, "other", self.prefix, draw)
            draw += 1
            if secret != self.secret:
                found.setdefault(secret)
        return list(found)


def make_canaries(
    count: int, *, seed: int, digits: int = 9, copies: Sequence[int] = (1,)
) -> list[Canary]:
    """So many canaries for each number of copies, of different names and secrets.

    Raises:
        ValueError: a number below 1.
    """
    if min(count, digits, *copies) < 1 or len(set(copies)) < len(copies):
        raise ValueError("count, digits and copies are at least 1, and copies differ")
    names = phrases(count * len(copies), seed, "canary")
    return [
        Canary(
            prefix=_TEMPLATE.format(name=name),
            secret=_secret(digits, seed, "canary", name),
            copies=copies[i % len(copies)],
        )
        for i, name in enumerate(names)
    ]


def canary_documents(canaries: Sequence[Canary]) -> Iterator[Document]:
    """Every canary as many times as it has copies; each copy is a document."""
    for number, canary in enumerate(canaries, 1):
        for copy in range(1, canary.copies + 1):
            yield Document(
                id=f"{number}-{copy}",
                text=canary.prefix + canary.text(canary.secret) + "\n",
                source=_SOURCE,
                metadata={
                    _PREFIX: canary.prefix,
                    _SECRET: canary.secret,
                    _COPIES: canary.copies,
                },
            )


def canaries_in(documents: Sequence[Document]) -> list[Canary]:
    """The canaries among documents, each once, in the order of their first copies."""
    found: dict[str, Canary] = {}
    for document in documents:
        metadata = document.metadata
        if _SECRET in metadata:
            prefix = str(metadata[_PREFIX])
            canary = Canary(
                prefix=prefix,
                secret=str(metadata[_SECRET]),
                copies=int(str(metadata[_COPIES])),
            )
            found.setdefault(prefix, canary)
    return list(found.values())


def _secret(digits: int, seed: int, *key: str | int) -> str:
    return f"{integer(10**digits, seed, *key):0{digits}d}"
