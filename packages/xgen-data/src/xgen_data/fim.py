"""Fill in the middle: part of the documents are cut in three and put in another order.

Bavarian et al. 2022, *Efficient Training of Language Models to Fill in the Middle*: half of the
documents or more, two cuts at characters drawn uniformly, at the level of documents before packing
("context-level" is theirs too, and needs a second look at the tokens), and half of these in each
of two orders (section 3, and "SPM variant 2" of the appendix on the SPM encoding, in which prefix
and middle are one stretch):

    PSM    <fim_prefix> prefix <fim_suffix> suffix <fim_middle> middle
    SPM    <fim_prefix> <fim_suffix> suffix <fim_middle> prefix middle

The markers are special tokens, which no text may forge, so this makes segments and not text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core import Document, Segment

__all__ = ["FIM_MARKERS", "FillInTheMiddle", "fim_order", "fim_segments", "fim_text"]

FIM_MARKERS = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
"""Names of XGen's special tokens, StarCoder's too."""
_PREFIX, _SUFFIX, _MIDDLE = FIM_MARKERS
_SHORTEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FillInTheMiddle:
    """Settings of a source whose documents are rearranged; `fim_segments` explains them."""

    rate: float = 0.5
    spm_rate: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.rate <= 1 and 0 <= self.spm_rate <= 1):
            raise ValueError(
                f"rate and spm_rate must lie in [0, 1], got {self.rate} and {self.spm_rate}"
            )

    def segments(self, document: Document) -> tuple[Segment, ...]:
        """The document, rearranged or not."""
        return fim_segments(document, self.rate, self.spm_rate, self.seed)


def fim_segments(
    document: Document, rate: float = 0.5, spm_rate: float = 0.5, seed: int = 0
) -> tuple[Segment, ...]:
    """A document as segments, in its own order or in one of the two others.

    What happens to it depends on its text and the seed alone: not on its id, its place, the number
    of hosts or the version of Python. All segments are trained on, markers included, as in the
    paper.

    Args:
        document: documents of fewer than 3 characters stay whole.
        rate: share of documents that are cut.
        spm_rate: share of these in the order suffix, prefix, middle.
        seed: another one cuts other documents elsewhere.
    """
    if not (0 <= rate <= 1 and 0 <= spm_rate <= 1):
        raise ValueError(f"rate and spm_rate must lie in [0, 1], got {rate} and {spm_rate}")
    text = document.text
    draws = _draws(text, seed)
    if len(text) < _SHORTEST or draws[0] >= rate:
        return (_text(text),)
    # One of the pairs of positions 0 … n, both ends included: any part may be empty.
    low, high = sorted(int(draw * (len(text) + 1)) for draw in draws[2:4])
    prefix, middle, suffix = text[:low], text[low:high], text[high:]
    if draws[1] < spm_rate:
        order = (_marker(_PREFIX), _marker(_SUFFIX), _text(suffix), _marker(_MIDDLE))
        return _filled(*order, _text(prefix + middle))
    return _filled(
        _marker(_PREFIX), _text(prefix), _marker(_SUFFIX), _text(suffix), _marker(_MIDDLE),
        _text(middle),
    )  # fmt: skip


def fim_order(segments: Sequence[Segment]) -> str:
    """`"whole"`, `"psm"` or `"spm"`."""
    markers = [s.text if s.special else "" for s in segments]
    if _PREFIX not in markers:
        return "whole"
    return "spm" if markers[:2] == [_PREFIX, _SUFFIX] else "psm"


def fim_text(segments: Sequence[Segment]) -> str:
    """The document's text again; in SPM the prefix stands before the middle, behind its marker."""
    parts = {"": "", _PREFIX: "", _SUFFIX: "", _MIDDLE: ""}
    current = ""
    for segment in segments:
        if segment.special:
            current = segment.text
        else:
            parts[current] += segment.text
    return parts[""] + parts[_PREFIX] + parts[_MIDDLE] + parts[_SUFFIX]


def _draws(text: str, seed: int) -> tuple[float, float, float, float]:
    """Four numbers in [0, 1) from the content hash."""
    content = hashlib.sha256(text.encode("utf-8")).digest()
    digest = hashlib.sha256(b"fim %d " % seed + content).digest()
    first, second, third, fourth = (
        int.from_bytes(digest[i : i + 8], "big") >> 11 for i in (0, 8, 16, 24)
    )
    return first / 2**53, second / 2**53, third / 2**53, fourth / 2**53


def _marker(name: str) -> Segment:
    return Segment(text=name, trained=True, special=True)


def _text(text: str) -> Segment:
    return Segment(text=text, trained=True)


def _filled(*segments: Segment) -> tuple[Segment, ...]:
    return tuple(segment for segment in segments if segment.text)
