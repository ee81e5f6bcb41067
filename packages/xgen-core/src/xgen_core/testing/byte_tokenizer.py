"""A tokenizer whose ids are bytes: no files, no merges, every text round-trips."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from xgen_core.errors import FormatError
from xgen_core.files import check_format, read_json, write_json
from xgen_core.records import TokenBatch

__all__ = ["ByteTokenizer"]

_FILE = "byte_tokenizer.json"
_FORMAT, _VERSION = "xgen-byte-tokenizer", 1
_EOS = "<|endoftext|>"


class ByteTokenizer:
    """Ids 0–255 are the bytes of UTF-8, 256 is `<|endoftext|>`.

    Args:
        bos: whether documents begin with `<|endoftext|>` (then `bos_id` is 256, otherwise None).
    """

    def __init__(self, *, bos: bool = False) -> None:
        self._bos = bos

    @property
    def name(self) -> str:
        """`"bytes"`."""
        return "bytes"

    @property
    def vocab_size(self) -> int:
        """257."""
        return 257

    @property
    def special_ids(self) -> Mapping[str, int]:
        """The one special token."""
        return {_EOS: 256}

    @property
    def eos_id(self) -> int:
        """256."""
        return 256

    @property
    def bos_id(self) -> int | None:
        """256 if documents begin with it."""
        return 256 if self._bos else None

    @property
    def fingerprint(self) -> str:
        """Differs with the BOS policy, because the ids of a whole document do."""
        return hashlib.sha256(f"{_FORMAT} {_VERSION} bos={self._bos}".encode()).hexdigest()

    def encode(self, text: str, *, specials: bool = False) -> list[int]:
        """The bytes of the text; with `specials`, `<|endoftext|>` in it becomes 256.

        Raises:
            ValueError: the text has a lone surrogate.
        """
        if not specials:
            return list(text.encode("utf-8"))
        ids: list[int] = []
        for i, piece in enumerate(text.split(_EOS)):
            if i:
                ids.append(256)
            ids += piece.encode("utf-8")
        return ids

    def encode_batch(self, texts: Sequence[str], *, specials: bool = False) -> TokenBatch:
        """Ids of many texts, end to end."""
        ids, offsets = array("I"), array("Q", [0])
        for text in texts:
            ids.extend(self.encode(text, specials=specials))
            offsets.append(len(ids))
        return TokenBatch(memoryview(ids), memoryview(offsets))

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; bytes that are not UTF-8 become U+FFFD.

        Raises:
            ValueError: an id outside 0–256.
        """
        return b"".join(map(self.token_bytes, ids)).decode("utf-8", errors="replace")

    def token_bytes(self, token_id: int) -> bytes:
        """The byte itself, or the special token's name.

        Raises:
            ValueError: an id outside 0–256.
        """
        if not 0 <= token_id <= 256:
            raise ValueError(f"id {token_id} is outside 0..256")
        return _EOS.encode() if token_id == 256 else bytes([token_id])

    def save(self, directory: Path) -> None:
        """Write `byte_tokenizer.json` into the directory, making it if need be."""
        header = {"format": _FORMAT, "version": _VERSION, "bos": self._bos}
        write_json(Path(directory) / _FILE, header)

    @classmethod
    def open(cls, directory: Path | str) -> Self:
        """Read what `save` wrote.

        Raises:
            InputError: there is none.
            FormatError: it is damaged.
        """
        path = Path(directory) / _FILE
        header = check_format(read_json(path), name=_FORMAT, version=_VERSION, path=path)
        if not isinstance(header.get("bos"), bool):
            raise FormatError(f"{path}: bos must be true or false, found {header.get('bos')!r}")
        return cls(bos=header["bos"])
