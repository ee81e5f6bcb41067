"""How GPT-2 writes a byte as one visible character, and in which order it numbers the bytes.

Byte-level BPE files (`vocab.bpe`, Hugging Face `tokenizer.json`) are text, so each of the 256 bytes
needs a character that survives splitting on whitespace: a byte that is visible in Latin-1 stands
for itself, the 68 others are moved up to U+0100 and beyond. Ids follow the same order: the visible
bytes first, which is why `"!"` is id 0 in every GPT-2 vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["BYTE_OF_CHARACTER", "BYTE_ORDER", "token_of"]

_VISIBLE = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
_HIDDEN = tuple(byte for byte in range(256) if byte not in _VISIBLE)

BYTE_ORDER: tuple[int, ...] = (*_VISIBLE, *_HIDDEN)
"""The 256 bytes in the order of their ids."""

BYTE_OF_CHARACTER: Mapping[str, int] = {
    **{chr(byte): byte for byte in _VISIBLE},
    **{chr(0x100 + index): byte for index, byte in enumerate(_HIDDEN)},
}
"""Byte by the character that stands for it, in the order of the ids."""


def token_of(characters: str) -> bytes:
    """The bytes that a token written in this alphabet stands for.

    Raises:
        KeyError: a character that is not in the alphabet.
    """
    return bytes(BYTE_OF_CHARACTER[character] for character in characters)
