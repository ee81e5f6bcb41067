"""The merges of GPT-2, from a table inside this package: no network, no cache directory.

The table is 50,000 pairs of ids, each id two bytes little-endian: merge *i* joins the tokens of its
pair into the token with id 256 + *i*. `tools/build_gpt2_merges.py` makes it from OpenAI's published
`vocab.bpe`. Its licence lies beside it.
"""

from __future__ import annotations

import hashlib
import struct
from importlib.resources import files

from xgen_core import FormatError
from xgen_tokenizer.alphabet import BYTE_ORDER

__all__ = ["GPT2_MERGES_SHA256", "GPT2_TABLE", "gpt2_ranks", "pack_merges"]

GPT2_TABLE = "gpt2_merges.bin"
GPT2_MERGES_SHA256 = "80d121a7b35cab0a6344b48302353f3eccdc93b2889e22901b77f783cbc6bb24"
"""Of the table's bytes."""


def pack_merges(merges: list[tuple[bytes, bytes]]) -> bytes:
    """The table's bytes for merges in order, as `gpt2_ranks` reads them.

    Raises:
        ValueError: a merge of something that is not a token yet, or that makes a known token.
    """
    ids = {bytes([byte]): index for index, byte in enumerate(BYTE_ORDER)}
    pairs = bytearray()
    for number, (left, right) in enumerate(merges, 1):
        if left not in ids or right not in ids or left + right in ids:
            raise ValueError(
                f"merge {number} ({left!r}, {right!r}) does not follow from those before"
            )
        pairs += struct.pack("<HH", ids[left], ids[right])
        ids[left + right] = len(ids)
    return bytes(pairs)


def gpt2_ranks() -> dict[bytes, int]:
    """GPT-2's 50,256 mergeable tokens (256 bytes and 50,000 merges) with their ids.

    Raises:
        FormatError: the installed table is damaged.
    """
    table = files("xgen_tokenizer").joinpath("tables", GPT2_TABLE).read_bytes()
    if hashlib.sha256(table).hexdigest() != GPT2_MERGES_SHA256:
        raise FormatError(
            f"the table {GPT2_TABLE} inside xgen-tokenizer is damaged (wrong checksum): "
            "reinstall it with pip install --force-reinstall --no-deps xgen-tokenizer"
        )
    tokens = [bytes([byte]) for byte in BYTE_ORDER]
    for left, right in struct.iter_unpack("<HH", table):
        tokens.append(tokens[left] + tokens[right])
    return {token: rank for rank, token in enumerate(tokens)}
