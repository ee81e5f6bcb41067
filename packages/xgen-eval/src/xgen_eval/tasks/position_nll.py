"""Loss by position in the window: does the model make use of a longer context?

Token i of a document lies at position i mod W of window i div W: disjoint windows of W tokens, as a
rolling `ScoreRequest` has them. It is predicted from the tokens of its own window before it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from xgen_core import Document, InputError, ModelError, Score, ScoringModel
from xgen_core.progress import Progress
from xgen_core.records import Scalar
from xgen_core.report import Section, Table, line_plot
from xgen_eval.inputs import Inputs
from xgen_eval.metrics import bits
from xgen_eval.scoring import rolling, window_length
from xgen_eval.statistics import Estimate, mean_stderr, ratio_of_sums
from xgen_eval.task import Metric, TaskResult

__all__ = ["PositionNll", "bucket_edges"]

_BATCH = 32


class _Spans(NamedTuple):
    """The scored tokens: rows are complete windows of the longest length.

    Attributes:
        documents: the document of each row.
        bytes: byte length of each token.
        full: nats of each token for each window length.
        short: nats of each token with a quarter to a half of the longest window before it.
    """

    documents: list[Document]
    bytes: np.ndarray
    full: dict[int, np.ndarray]
    short: np.ndarray


def bucket_edges(window: int) -> list[tuple[int, int]]:
    """Half-open position ranges with power-of-two edges: (0, 1), (1, 2), (2, 4), … up to `window`.

    The last one ends at `window`, whether or not that is a power of two.
    """
    edges = [0, 1]
    while edges[-1] < window:
        edges.append(min(2 * edges[-1], window))
    return list(itertools.pairwise(edges))


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionNll:
    """Mean negative log-likelihood by position bucket, and what the longer context gains.

    Attributes:
        windows: window lengths in tokens; empty is the model's context length. The longest is a
            multiple of 4, and each shorter one divides it, so that all score the same tokens.
    """

    windows: tuple[int, ...] = ()

    name: ClassVar[str] = "position_nll"
    variant: ClassVar[str] = "disjoint-v1"
    needs: ClassVar[Literal["score", "generate"]] = "score"
    summary: ClassVar[str] = "loss by position in the window, and the gain of a longer context"

    def __post_init__(self) -> None:
        if not self.windows:
            return
        longest = max(self.windows)
        if longest % 4 or longest < 8:
            raise ValueError(f"the longest window must be a multiple of 4 from 8 on, got {longest}")
        odd = [w for w in self.windows if w < 2 or longest % w]
        if odd or len(set(self.windows)) != len(self.windows):
            raise ValueError(
                f"windows must differ, have at least 2 tokens and divide the longest ({longest}), "
                f"got {', '.join(map(str, self.windows))}"
            )

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """The held-out documents."""
        return inputs.require(self.name)

    async def run(self, model: ScoringModel, inputs: Inputs, progress: Progress) -> TaskResult:
        """Score every document that fills a window; see `xgen_eval.task.Task`."""
        windows = sorted(self.windows) or [window_length(model.info, None) // 4 * 4]
        window_length(model.info, windows[-1])
        if windows[-1] < 8:
            raise InputError(f"{self.name} needs a window of 8 tokens, the model has {windows[-1]}")
        spans = await _score(model, inputs, progress, windows)
        metrics: dict[str, Metric] = {}
        table: list[tuple[Scalar, ...]] = []
        points: list[dict[str, Scalar]] = []
        for window in windows:
            nats = spans.full[window].reshape(-1, window)
            sizes = spans.bytes.reshape(-1, window)
            metrics[f"nats_per_token/{window}"], metrics[f"bits_per_byte/{window}"] = _both(
                *_window_estimates(nats, sizes)
            )
            for low, high in bucket_edges(window):
                token, byte = _window_estimates(nats[:, low:high], sizes[:, low:high])
                name = f"{window}@{low}-{high}"
                metrics[f"nats_per_token/{name}"], metrics[f"bits_per_byte/{name}"] = _both(
                    token, byte
                )
                table.append((window, f"{low}–{high}", token.n, *_rounded(token), *_rounded(byte)))
                points.append(
                    {
                        "window": str(window),
                        "position": high,
                        "nats_per_token": token.value,
                        "bits_per_byte": byte.value,
                    }
                )
        gains = _gains(spans, windows)
        metrics |= {name: metric for name, metric, _ in gains}
        return TaskResult(
            name=self.name,
            variant=self.variant,
            metrics=metrics,
            items=tuple(_items(spans, windows)),
            sections=(_section(windows[-1], table, points, gains),),
        )


async def _score(
    model: ScoringModel, inputs: Inputs, progress: Progress, windows: list[int]
) -> _Spans:
    """Score documents until `inputs.limit` windows are full; all passes see the same tokens."""
    longest = windows[-1]
    # A token has at least one byte, so a document with fewer bytes cannot fill a window.
    documents = [d for d in inputs.documents() if len(d.text.encode("utf-8")) >= longest]
    # Windows of a half that advance by a quarter: a token of the last quarter then has from a
    # quarter to a half of the long window before it.
    short = (longest // 2, longest // 4)
    passes = [*((window, window) for window in windows), short]
    rows: dict[tuple[int, int], list[np.ndarray]] = {key: [] for key in passes}
    owners: list[Document] = []
    sizes: list[np.ndarray] = []
    most = 0
    progress.total, progress.unit = len(documents) * len(passes), "documents"
    for start in range(0, len(documents), _BATCH):
        room = None if inputs.limit is None else inputs.limit - len(owners)
        if room == 0:
            break
        batch = documents[start : start + _BATCH]
        texts = [d.text for d in batch]
        first = await rolling(model, texts, progress, window=longest, stride=longest)
        most = max([most, *(len(s.token_logprobs) for s in first)])
        full = [i for i, s in enumerate(first) if len(s.token_logprobs) >= longest]
        counts = _counts([len(first[i].token_logprobs) // longest for i in full], room)
        full = full[: len(counts)]
        progress.advance((len(batch) - len(full)) * (len(passes) - 1))
        for index, count in zip(full, counts, strict=True):
            owners.extend([batch[index]] * count)
            sizes.append(_table(first[index].byte_lengths, count, longest))
        for window, stride in passes:
            scores = [first[i] for i in full]
            if (window, stride) != (longest, longest):
                scores = await rolling(
                    model, [texts[i] for i in full], progress, window=window, stride=stride
                )
                _check_tokens(scores, [first[i] for i in full])
            rows[window, stride].extend(
                -_table(s.token_logprobs, c, longest) for s, c in zip(scores, counts, strict=True)
            )
    if not owners:
        raise InputError(
            f"no document fills a window of {longest} tokens (the longest has "
            f"{most or 'fewer bytes than that'}): give longer documents or a shorter --window"
        )
    arrays = {key: np.concatenate(value) for key, value in rows.items()}
    return _Spans(owners, np.concatenate(sizes), {w: arrays[w, w] for w in windows}, arrays[short])


def _counts(available: list[int], room: int | None) -> list[int]:
    """How many windows to take of each document, in order, until there is no more room."""
    taken: list[int] = []
    for count in available:
        take = count if room is None else min(count, room - sum(taken))
        if take == 0:
            break
        taken.append(take)
    return taken


def _table(values: Sequence[float], rows: int, width: int) -> np.ndarray:
    return np.asarray(values[: rows * width], dtype=np.float64).reshape(rows, width)


def _check_tokens(scores: list[Score], reference: list[Score]) -> None:
    for score, other in zip(scores, reference, strict=True):
        if score.byte_lengths != other.byte_lengths:
            raise ModelError(
                "the model cut the same text into other tokens when the window changed, so "
                "positions cannot be compared"
            )


def _window_estimates(nats: np.ndarray, sizes: np.ndarray) -> tuple[Estimate, Estimate]:
    """Nats a token and bits a byte; the rows (windows) are the independent units."""
    return mean_stderr(nats.mean(axis=1)), ratio_of_sums(
        nats.sum(axis=1) / math.log(2), sizes.sum(axis=1)
    )


def _both(token: Estimate, byte: Estimate) -> tuple[Metric, Metric]:
    return Metric.of(token, "nats/token"), Metric.of(byte, "bits/byte")


def _rounded(estimate: Estimate) -> tuple[float, float | None]:
    value, stderr, _ = estimate
    return round(value, 4), None if stderr is None else round(stderr, 4)


def _gains(spans: _Spans, windows: list[int]) -> list[tuple[str, Metric, str]]:
    """Paired differences on the same tokens, positive where more context helps, by document."""
    longest = windows[-1]
    last = slice(3 * longest // 4, longest)
    pairs = [
        (
            "last_quarter",
            f"last quarter of each window of {longest}: {longest // 4}–{longest // 2} tokens "
            f"before it, against {3 * longest // 4}–{longest}",
            (spans.short - spans.full[longest])[:, last],
            spans.bytes[:, last],
        )
    ]
    for window in windows[:-1]:
        label = f"all tokens: windows of {window}, against {longest}"
        pairs.append((f"{window}", label, spans.full[window] - spans.full[longest], spans.bytes))
    gains: list[tuple[str, Metric, str]] = []
    owners: dict[tuple[str, str], list[int]] = {}
    for row, document in enumerate(spans.documents):
        owners.setdefault((document.source, document.id), []).append(row)
    groups = list(owners.values())
    for name, label, difference, sizes in pairs:
        nats = [math.fsum(difference[g].ravel()) for g in groups]
        tokens = [float(difference[g].size) for g in groups]
        lengths = [float(sizes[g].sum()) for g in groups]
        token = Metric.of(ratio_of_sums(nats, tokens), "nats/token")
        byte = Metric.of(ratio_of_sums([bits(x) for x in nats], lengths), "bits/byte")
        gains.append((f"gain_nats_per_token/{name}", token, label))
        gains.append((f"gain_bits_per_byte/{name}", byte, label))
    return gains


def _items(spans: _Spans, windows: list[int]) -> list[dict[str, Scalar]]:
    longest = windows[-1]
    last = slice(3 * longest // 4, longest)
    rows: list[dict[str, Scalar]] = []
    counts: dict[tuple[str, str], int] = {}
    for i, document in enumerate(spans.documents):
        key = (document.source, document.id)
        counts[key] = counts.get(key, -1) + 1
        row: dict[str, Scalar] = {
            "id": document.id,
            "source": document.source,
            "window": counts[key],
            "bytes": int(spans.bytes[i].sum()),
        }
        row |= {f"nats_per_token_{w}": float(spans.full[w][i].mean()) for w in windows}
        row["last_quarter_short"] = float(spans.short[i, last].mean())
        row["last_quarter_full"] = float(spans.full[longest][i, last].mean())
        rows.append(row)
    return rows


def _section(
    longest: int,
    table: list[tuple[Scalar, ...]],
    points: list[dict[str, Scalar]],
    gains: list[tuple[str, Metric, str]],
) -> Section:
    return Section(
        title="Loss by position in the window",
        blocks=(
            Table(
                columns=("same tokens, with less and with more context", "gain", "±", "unit", "n"),
                rows=tuple(
                    (
                        label,
                        round(m.value, 4),
                        None if m.stderr is None else round(m.stderr, 4),
                        m.unit,
                        m.n,
                    )
                    for _, m, label in gains
                ),
                caption="The loss with less context minus the loss with more: above 0, the model "
                "uses the longer context. ± is one standard error by document (n documents).",
            ),
            *(
                line_plot(
                    rows=points,
                    x="position",
                    y=field,
                    series="window",
                    x_title="position in the window (end of the bucket)",
                    y_title=unit,
                    log_x=True,
                    description=f"{unit} by position in the window, one line a window length",
                    caption=f"Mean loss by position, on the same tokens for every length: "
                    f"documents that fill a window of {longest} tokens.",
                )
                for field, unit in (
                    ("nats_per_token", "nats/token"),
                    ("bits_per_byte", "bits/byte"),
                )
            ),
            Table(
                columns=("window", "positions", "windows", "nats/token", "±", "bits/byte", "± "),
                rows=tuple(table),
                caption="± is one standard error across windows. Windows of one document resemble "
                "each other, so read it as a lower bound.",
            ),
        ),
    )
