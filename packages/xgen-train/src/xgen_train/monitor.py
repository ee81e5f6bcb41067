"""Everything a run says while it goes: metrics.jsonl, timings.jsonl, TensorBoard, progress.

`metrics.jsonl` holds only what is decided by recipe and data, so that an interrupted run ends with
the same bytes as an undisturbed one. Wall-clock figures go to `timings.jsonl`.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from xgen_core import MissingExtraError, Run
from xgen_core.progress import Progress
from xgen_train.distributed import leads
from xgen_train.positions import PositionCurve

__all__ = ["Monitor"]


class Monitor:
    """Logs steps of one run; used inside `with`. Of several processes only the leader's says much.

    Args:
        run: the run directory.
        total_tokens: over all stages, for the progress line.
        start_step, start_tokens: where this process takes the run up.
        tensorboard: write event files; None means where tensorboardX is installed.
        peak: FLOPs a second of all devices at best, where that is known.

    Raises:
        MissingExtraError: TensorBoard was asked for and is not installed.
    """

    def __init__(
        self,
        run: Run,
        *,
        total_tokens: int,
        start_step: int,
        start_tokens: int,
        tensorboard: bool | None = None,
        peak: float | None = None,
    ) -> None:
        installed = importlib.util.find_spec("tensorboardX") is not None
        if tensorboard and not installed:
            raise MissingExtraError("TensorBoard output", "xgen-train[tensorboard]")
        self._run = run
        self._leads, self._peak = leads(), peak
        self._writer: Any = None
        if self._leads and installed and tensorboard is not False:
            self._writer = _event_writer(run.directory / "tensorboard", start_step)
        self._progress = Progress("training", total_tokens, unit="tok", start=start_tokens)
        self._last = time.perf_counter()

    def step(
        self, step: int, values: Mapping[str, Any], *, tokens: int, flops: int, note: str
    ) -> None:
        """Record one optimizer step.

        Args:
            step: 1 for the first update.
            values: deterministic figures.
            tokens: tokens read in this step.
            flops: that they take, recomputation not counted.
            note: what the progress line shows besides.
        """
        if not self._leads:
            return
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        self._run.metrics.append(step, values)
        self._run.timings.append(step, {"seconds": round(seconds, 6), "tokens": tokens})
        figures = {k: v for k, v in values.items() if isinstance(v, float)}
        self._scalars("train", step, figures)
        for source, found in values.get("sources", {}).items():
            self._scalars(f"train/{source}", step, {"loss": found["loss"]})
        self._scalars("speed", step, {"tokens_per_second": tokens / seconds})
        if self._peak is not None:
            mfu = 100 * flops / seconds / self._peak
            self._scalars("speed", step, {"mfu_percent": mfu})
            note = f"{note}  MFU {mfu:.1f} %"
        self._progress.advance(tokens, note=note)

    def heldout(self, step: int, found: Mapping[str, Mapping[str, float]]) -> None:
        """Record a held-out evaluation; its time does not count as training time."""
        if found and self._leads:
            self._run.metrics.append(step, {"heldout": found})
        for source, figures in found.items():
            self._scalars(f"heldout/{source}", step, figures)
        self._last = time.perf_counter()

    def positions(self, step: int, curve: PositionCurve) -> None:
        """Record the loss by position at a stage edge; its time does not count either."""
        if self._leads:
            self._run.metrics.append(step, {"positions": curve._asdict()})
        self._last = time.perf_counter()

    def passed_over(self, step: int, values: Mapping[str, Any], *, tokens: int) -> None:
        """Record a step whose batch is left out."""
        if self._leads:
            self._run.metrics.append(step, values)
        self._progress.advance(tokens)

    def went_back(self, tokens: int) -> None:
        """Go on behind this many tokens."""
        self._progress.done = tokens
        self._last = time.perf_counter()

    def pause(self) -> None:
        """Start the clock again after something that is not training (a checkpoint, say)."""
        self._last = time.perf_counter()

    def _scalars(self, group: str, step: int, values: Mapping[str, float | None]) -> None:
        if self._writer is not None:
            for name, value in values.items():
                if value is None:
                    continue
                self._writer.add_scalar(f"{group}/{name}", value, step)

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.__exit__(kind, error, trace)
        if self._writer is not None:
            self._writer.close()
        self._run.close()


def _event_writer(directory: Path, start_step: int) -> Any:
    import tensorboardX

    # purge_step hides what an interrupted process wrote after the step that was restored
    return tensorboardX.SummaryWriter(str(directory), purge_step=start_step + 1)
