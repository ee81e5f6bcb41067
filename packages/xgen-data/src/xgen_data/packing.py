"""Best-fit packing: the documents of a segment put together into windows so that few are cut.

Cutting windows from the line as it stands cuts a document at nearly every window's end. Here a
document stays whole where it can: best-fit-decreasing bin packing (Johnson et al. 1974; for
language models Ding et al. 2024, *Fewer Truncations Improve Language Modeling*), in variable bins
whose number is fixed to tokens / T, so that no window needs padding and every token is in exactly
one. What the bins cannot hold whole is cut to fill their gaps:

1. a document longer than T gives whole windows of its first tokens and a remainder;
2. the remainders, longest first, go into the fullest window they fit in, and begin a new one while
   there are windows left;
3. those that fit nowhere, about one in a thousand, are cut to fill the gaps, the widest gap first.

A pure function of the segment's document lengths, so every host that needs a segment's packs works
them out for itself, in about the time that reading the segment takes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Packs", "pack"]

Ints = npt.NDArray[np.int64]


class Packs(NamedTuple):
    """Windows of exactly T tokens, each one or more fragments of documents.

    Attributes:
        offsets: `[windows + 1]`: window `i` is the fragments `offsets[i] … offsets[i + 1] - 1`.
        start: `[fragments]` first token, counted from the segment's beginning.
        length: `[fragments]` tokens.
        whole: `[fragments]` whether the fragment is all of its document, as far as the segment has
            it.
        ends: `[fragments]` whether it ends where its document does, likewise.
        documents: how many documents, or ends of documents, the segment has.
        cut_long: of these, how many are cut because they are longer than T.
        cut_to_fill: how many others are cut, to fill gaps.
    """

    offsets: Ints
    start: Ints
    length: Ints
    whole: npt.NDArray[np.bool_]
    ends: npt.NDArray[np.bool_]
    documents: int
    cut_long: int
    cut_to_fill: int


def pack(lengths: Ints, window: int) -> Packs:
    """Pack documents that lie end to end into windows without padding.

    Args:
        lengths: `[documents]` tokens of each, all positive; they sum to a multiple of `window`.
        window: T.

    Raises:
        ValueError: the lengths do not sum to a multiple of `window`.
    """
    total = int(lengths.sum())
    if total % window:
        raise ValueError(f"{total} tokens are not a whole number of windows of {window}")
    starts = np.cumsum(lengths) - lengths
    full = lengths // window
    rest = lengths - full * window
    fulls = int(full.sum())
    # windows that are all one document
    first_of = np.repeat(starts, full)
    number = np.arange(fulls) - np.repeat(np.cumsum(full) - full, full)
    pieces = _fill(rest, total // window - fulls, window)

    rest_start = starts + full * window
    start = np.concatenate([first_of + number * window, rest_start[pieces.document] + pieces.skip])
    length = np.concatenate([np.full(fulls, window), pieces.length])
    in_window = np.concatenate([np.arange(fulls), pieces.window + fulls])
    whole = np.concatenate(
        [np.repeat(lengths == window, full), pieces.length == lengths[pieces.document]]
    )
    document_end = np.repeat(starts + lengths, full)
    document_end = np.concatenate([document_end, (starts + lengths)[pieces.document]])
    order = np.lexsort((start, in_window))
    counts = np.bincount(in_window, minlength=total // window)
    cut = np.bincount(pieces.document, minlength=len(lengths)) > 1
    return Packs(
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        start=start[order],
        length=length[order],
        whole=whole[order],
        ends=(start + length == document_end)[order],
        documents=len(lengths),
        cut_long=int(((full > 0) & (lengths > window)).sum()),
        cut_to_fill=int((cut & (full == 0)).sum()),
    )


class _Pieces(NamedTuple):
    window: Ints
    document: Ints
    skip: Ints
    length: Ints


def _fill(rest: Ints, windows: int, size: int) -> _Pieces:
    """Put the remainders into `windows` windows that they fill to the last token."""
    found: list[tuple[int, int, int, int]] = []
    gaps = [size] * windows
    # Windows by the gap they have; `open_gaps` has bit g set where a begun window has a gap of g,
    # so the smallest gap that is wide enough is the lowest set bit from `length` on.
    by_gap: list[list[int]] = [[] for _ in range(size + 1)]
    open_gaps = 0
    begun = 0
    left_over: list[tuple[int, int]] = []
    lengths = rest.tolist()
    for document in np.argsort(-rest, kind="stable").tolist():
        length = lengths[document]
        if not length:
            break
        wide = open_gaps >> length
        if wide:
            gap = length + (wide & -wide).bit_length() - 1
            stack = by_gap[gap]
            window = stack.pop()
            if not stack:
                open_gaps ^= 1 << gap
        elif begun < windows:
            gap, window = size, begun
            begun += 1
        else:
            left_over.append((document, length))
            continue
        found.append((window, document, 0, length))
        gap -= length
        gaps[window] = gap
        if gap:
            by_gap[gap].append(window)
            open_gaps |= 1 << gap
    widest = sorted((w for w in range(windows) if gaps[w]), key=lambda w: (-gaps[w], w))
    gap_of = iter(widest)
    window = -1
    for document, length in left_over:
        skip = 0
        while skip < length:
            if window < 0 or not gaps[window]:
                window = next(gap_of)
            taken = min(gaps[window], length - skip)
            found.append((window, document, skip, taken))
            gaps[window] -= taken
            skip += taken
    columns = np.array(found, np.int64).reshape(-1, 4)
    return _Pieces(*(columns[:, i] for i in range(4)))
