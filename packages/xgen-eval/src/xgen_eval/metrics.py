"""What is computed from a model's scores, apart from how sure one may be of it."""

from __future__ import annotations

import lzma
import math
import zlib
from collections.abc import Iterable, Sequence

__all__ = ["argmax", "bits", "gzip_bytes", "xz_bytes"]


def bits(nats: float) -> float:
    """Nats as bits."""
    return nats / math.log(2)


def argmax(values: Sequence[float]) -> int:
    """Index of the largest value; of equal ones the lowest."""
    return max(range(len(values)), key=values.__getitem__)


def gzip_bytes(chunks: Iterable[bytes]) -> int:
    """Size of what `gzip -9 -n` makes of the chunks end to end, header and trailer included."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)  # 31: the largest window, gzip wrapping
    return sum(len(compressor.compress(c)) for c in chunks) + len(compressor.flush())


def xz_bytes(chunks: Iterable[bytes]) -> int:
    """Size of what `xz -9` makes of the chunks end to end, header and index included."""
    compressor = lzma.LZMACompressor(preset=9)
    return sum(len(compressor.compress(c)) for c in chunks) + len(compressor.flush())
