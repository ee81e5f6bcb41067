"""What general compressors make of a text: the baseline beside a model's bits per byte."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Iterable

__all__ = ["gzip_bytes", "xz_bytes"]


def gzip_bytes(chunks: Iterable[bytes]) -> int:
    """Size of what `gzip -9 -n` makes of the chunks end to end, header and trailer included."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)  # 31: the largest window, gzip wrapping
    return sum(len(compressor.compress(c)) for c in chunks) + len(compressor.flush())


def xz_bytes(chunks: Iterable[bytes]) -> int:
    """Size of what `xz -9` makes of the chunks end to end, header and index included."""
    compressor = lzma.LZMACompressor(preset=9)
    return sum(len(compressor.compress(c)) for c in chunks) + len(compressor.flush())
