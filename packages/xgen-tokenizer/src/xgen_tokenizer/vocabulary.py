"""What a byte-level BPE tokenizer *is*: ranks, special tokens, pattern, BOS and EOS."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

__all__ = ["END_OF_TEXT", "GPT2_PATTERN", "Vocabulary", "parse_ranks"]

END_OF_TEXT = "<|endoftext|>"

GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
"""How GPT-2 and XGen cut text into pieces before BPE: contractions, then letters, digits or other
marks with at most one space before them, then whitespace, whose last character goes to the word
that follows. The form with possessive quantifiers that tiktoken uses for its `gpt2` encoding; it
cuts exactly as the original does, without backtracking over long words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Everything that decides which ids a text gets.

    Attributes:
        ranks: id by token bytes; a lower id merges earlier. Holds all 256 single bytes.
        specials: id by name. Together with `ranks` the ids fill 0 … size - 1 without a gap.
        eos: the special token that ends a document.
        bos: the special token that begins every document, or None where the policy is to have none.
        pattern: regular expression that cuts text into pieces, within which BPE merges.
    """

    ranks: Mapping[bytes, int]
    specials: Mapping[str, int]
    eos: str = END_OF_TEXT
    bos: str | None = None
    pattern: str = GPT2_PATTERN

    def __post_init__(self) -> None:
        missing = [byte for byte in range(256) if bytes([byte]) not in self.ranks]
        if missing:
            raise ValueError(
                f"ranks lack {len(missing)} of the 256 single bytes, {missing[0]:#04x} first: "
                "a byte-level vocabulary needs them all"
            )
        ids = sorted((*self.ranks.values(), *self.specials.values()))
        if ids != list(range(len(ids))):
            wrong = next(i for i, found in enumerate(ids) if i != found)
            raise ValueError(f"ids must be 0 to {len(ids) - 1}, each once; {wrong} is not")
        for role, name in (("eos", self.eos), ("bos", self.bos)):
            if name is not None and name not in self.specials:
                raise ValueError(f"{role} {name!r} is not among the special tokens")
        _check_names(sorted(self.specials))

    @property
    def size(self) -> int:
        """Number of ids."""
        return len(self.ranks) + len(self.specials)

    def extended(self, names: Sequence[str]) -> Vocabulary:
        """This vocabulary with more special tokens, which get the next ids in the given order.

        Names that it has already are passed over. All ids stay as they are, so a model needs only
        new rows, or spare ones: XGen-7B has 887.

        Raises:
            ValueError: a name that cannot be a special token's.
        """
        new = [name for name in dict.fromkeys(names) if name not in self.specials]
        added = {name: self.size + index for index, name in enumerate(new)}
        return replace(self, specials={**self.specials, **added})

    def rank_lines(self) -> bytes:
        """The ranks in tiktoken's file format: base64 of the token, a space, the id; by id."""
        ordered = sorted(self.ranks.items(), key=lambda item: item[1])
        return b"".join(b"%s %d\n" % (base64.b64encode(token), rank) for token, rank in ordered)

    def fingerprint(self) -> str:
        """Hex sha256 over pattern, ranks, special tokens and the BOS/EOS policy."""
        content = {
            "pattern": self.pattern,
            "ranks": hashlib.sha256(self.rank_lines()).hexdigest(),
            "specials": dict(self.specials),
            "eos": self.eos,
            "bos": self.bos,
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def _check_names(names: list[str]) -> None:
    for name in names:
        if not name or re.search(r"\s", name):
            raise ValueError(f"a special token needs a name without whitespace, got {name!r}")
    for name, following in pairwise(names):
        if following.startswith(name):  # which one a text means would be a matter of chance
            raise ValueError(f"special token {name!r} is a prefix of {following!r}")


def parse_ranks(data: bytes) -> dict[bytes, int]:
    """Read what `Vocabulary.rank_lines` writes.

    Raises:
        ValueError: a line of another form, or a token that occurs twice; names the line.
    """
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(data.splitlines(), 1):
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token, validate=True)] = int(rank)
        except ValueError as error:
            raise ValueError(f"line {number}: expected base64 and an id, got {line!r}") from error
        if len(ranks) != number:
            raise ValueError(f"line {number}: this token occurred before")
    return ranks
