"""The training loop: restore or begin, read, step, log, evaluate, checkpoint.

The order of data is a pure function of the recipe, the loader's whole state is the step, and the
metrics file is cut back to the restored step. So a run that is killed anywhere and started again
ends with the same weights, the same losses and the same `metrics.jsonl`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import jax
import numpy as np
from jax.sharding import Mesh

from xgen_core import InputError, Run, XgenError
from xgen_core.recipe import fingerprint
from xgen_model import (
    CheckpointStore,
    Params,
    on_mesh,
    parameter_count,
    place_batch,
    row_part,
    split,
    trained_mask,
)
from xgen_train.distributed import leader_only, leads, whole
from xgen_train.feed import Feed
from xgen_train.monitor import Monitor
from xgen_train.objective import Objective, Rows
from xgen_train.positions import PositionCurve
from xgen_train.recipe import RunRecipe
from xgen_train.schedule import learning_rate
from xgen_train.state import TrainState, abstract_state, fresh_state
from xgen_train.step import StepMetrics, compile_step

__all__ = ["DivergedError", "Evaluation", "Session"]


class DivergedError(XgenError):
    """Loss or gradients stay not finite, or far above what was usual."""


class Evaluation(Protocol):
    """What is measured every `evaluate_every` steps and at stage edges."""

    def measure(self, params: Params, stage: int) -> Mapping[str, Mapping[str, float]]:
        """Figures by source; empty where nothing is held out."""
        ...

    def positions(self, params: Params) -> PositionCurve | None:
        """Loss by position in the document, at stage edges; None where nothing is held out."""
        ...


class Session:
    """One process's part in one run.

    Args:
        recipe: of the run.
        run: its directory.
        mesh: its devices.
        feed: its batches.
        objective: what it minimises.
        evaluation: what it measures besides.
        checkpoints: where it saves.
        origin: makes the first weights, on their devices.
    """

    def __init__(
        self,
        recipe: RunRecipe,
        run: Run,
        mesh: Mesh,
        *,
        feed: Feed,
        objective: Objective,
        evaluation: Evaluation,
        checkpoints: CheckpointStore,
        origin: Callable[[], Params],
    ) -> None:
        self.recipe, self.run, self.mesh = recipe, run, mesh
        self.feed, self.objective, self.evaluation = feed, objective, evaluation
        self.checkpoints, self.origin = checkpoints, origin
        self.layout = abstract_state(recipe, mesh)
        self.step_function = compile_step(objective, recipe, feed.total_steps, mesh)
        self.rate = learning_rate(recipe.optimizer, feed.total_steps)
        self.state: TrainState

    def begin(self) -> int:
        """Set `state` to go on from, and return the number of steps done."""
        step = self.checkpoints.latest()
        if step is None:
            places = jax.tree.map(lambda leaf: leaf.sharding, self.layout)
            make = jax.jit(lambda params: fresh_state(self.recipe, params), out_shardings=places)
            self.state = on_mesh(self.mesh, make)(self.origin())
            return 0
        self.restore(step)
        return step

    def restore(self, step: int) -> None:
        """Set `state` to that of a checkpoint.

        Raises:
            InputError: it belongs to another recipe or other data.
        """
        like = {"optimizer": self.layout.optimizer, "guard": self.layout.guard}
        params, rest, meta = self.checkpoints.restore(step, self.layout.params, like)
        if (
            meta["recipe"] != fingerprint(self.recipe.until(step))
            or meta["data"] != self.feed.fingerprint
        ):
            raise InputError(
                f"{self.checkpoints.directory}: step {step} belongs to another recipe or store; "
                "give another --output"
            )
        trained, frozen = split(params, trained_mask(params, self.recipe.trained))
        place = self.layout.step.sharding
        done = jax.make_array_from_callback((), place, lambda _: np.int32(step))
        self.state = TrainState(done, trained, frozen, rest["optimizer"], rest["guard"])

    def save(self, step: int) -> None:
        """Write a checkpoint of `state`."""
        # what the checkpoint builds on must be on disk before it
        self.run.metrics.sync()
        meta = {
            "step": step,
            "tokens": self.feed.tokens_before(step),
            "recipe": fingerprint(self.recipe.until(step)),
            "data": self.feed.fingerprint,
        }
        rest = {"optimizer": self.state.optimizer, "guard": self.state.guard}
        params, rest = whole((self.state.params, rest))
        leader_only(lambda: self.checkpoints.save(step, params, rest, meta))

    def run_to_end(self, tensorboard: bool | None = None) -> None:
        """Train until the feed ends.

        Args:
            tensorboard: see `Monitor`.

        Raises:
            DivergedError: updates are refused again and again.
        """
        start = self.begin()
        if leads():
            self.run.metrics.cut(start)
            self.run.timings.cut(start)
        with Monitor(
            self.run,
            total_tokens=self.feed.tokens_before(self.feed.total_steps),
            start_step=start,
            start_tokens=self.feed.tokens_before(start),
            tensorboard=tensorboard,
        ) as monitor:
            self.loop(start, monitor)

    def loop(self, start: int, monitor: Monitor) -> None:
        """Steps from `start` on."""
        last, edges = self.feed.total_steps, set(self.feed.edges)
        # metrics of a step are fetched after the next one is on its way, so the device never waits
        waiting: tuple[int, StepMetrics] | None = None
        for step, batch in self.batches(start):
            self.state, metrics = self.step_function(self.state, place_batch(self.mesh, batch))
            if waiting is not None:
                self.log(monitor, *waiting)
            waiting = (step, metrics)
            evaluates = step in edges or step % self.recipe.evaluate_every == 0
            saves = step in edges or step % self.recipe.checkpoint_every == 0
            if evaluates or saves or step == last:
                self.log(monitor, *waiting)
                waiting = None
            if evaluates:
                stage = self.feed.stage(step - 1)
                monitor.heldout(step, self.evaluation.measure(self.state.params, stage))
            if step in edges and (curve := self.evaluation.positions(self.state.params)):
                monitor.positions(step, curve)
            if saves:
                self.save(step)
                monitor.pause()

    def batches(self, start: int) -> Iterator[tuple[int, Any]]:
        """This process's rows, with the number that their step will have, 1 for the first."""
        part, parts = row_part(self.mesh)
        found = self.feed.batches(start, part, parts, lambda: self.state.params)
        yield from enumerate(found, start + 1)

    def log(self, monitor: Monitor, step: int, metrics: StepMetrics) -> None:
        """Record a step; `step` counts from 1.

        Raises:
            DivergedError: too many updates in a row were refused.
        """
        stage = self.feed.stage(step - 1)
        rows = {name: np.asarray(x) for name, x in metrics.rows.items()}
        found = {n: _finite(v) for n, v in self.objective.values(rows).items()}
        values: dict[str, Any] = {
            "stage": stage,
            **found,
            "gradient_norm": _finite(float(metrics.gradient_norm)),
            "learning_rate": float(self.rate(step - 1)),
            "tokens": self.feed.tokens_before(step),
            "data": self.feed.digest(step - 1),
        }
        if sources := self.by_source(step - 1, rows):
            values["sources"] = sources
        if not bool(metrics.applied):
            values["refused"] = int(metrics.refused)
        loss = math.nan if found["loss"] is None else found["loss"]
        note = f"loss {loss:.3f}  stage {stage + 1}/{len(self.feed.edges)}"
        tokens = self.feed.tokens_before(step) - self.feed.tokens_before(step - 1)
        monitor.step(step, values, tokens=tokens, note=note)
        if int(metrics.refused) >= self.recipe.guard.patience:
            raise DivergedError(
                f"step {step}: loss {loss}, gradient norm {float(metrics.gradient_norm)}, and "
                f"{int(metrics.refused)} updates in a row refused; lower optimizer.learning_rate "
                "or lengthen optimizer.warmup_steps, in a new --output (the last checkpoint is "
                f"step {self.checkpoints.latest() or 0})"
            )

    def by_source(self, step: int, rows: Rows) -> dict[str, dict[str, float | None]]:
        """The objective's figures of each source's rows, where there are several sources."""
        names = np.asarray(self.feed.sources(step))
        found: dict[str, dict[str, float | None]] = {}
        for name in sorted(set(names.tolist())):
            mine = {n: x[names == name] for n, x in rows.items()}
            found[name] = {n: _finite(v) for n, v in self.objective.values(mine).items()}
        return found if len(found) > 1 else {}

    @property
    def parameters(self) -> int:
        """How many the model has."""
        return parameter_count(self.recipe.model)


def _finite(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
