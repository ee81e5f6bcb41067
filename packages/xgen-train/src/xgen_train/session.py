"""The training loop: restore or begin, read, step, log, evaluate, checkpoint.

The order of data is a pure function of the recipe, the loader's whole state is the step, and the
metrics file is cut back to the restored step. So a run that is killed anywhere and started again
ends with the same weights, the same losses and the same `metrics.jsonl`.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import jax
import numpy as np
from jax.sharding import Mesh

from xgen_core import Run
from xgen_model import (
    CheckpointStore,
    Params,
    Processes,
    as_read,
    on_mesh,
    parameter_count,
    place_batch,
    row_part,
    training_flops_per_token,
)
from xgen_train.archive import Archive
from xgen_train.events import EventLog
from xgen_train.faults.injector import Injector
from xgen_train.faults.options import FaultOptions
from xgen_train.faults.rollback import DivergedError, Rollbacks
from xgen_train.faults.termination import Termination
from xgen_train.faults.watchdog import Watchdog
from xgen_train.feed import Feed
from xgen_train.monitor import Monitor
from xgen_train.objective import Objective, Rows
from xgen_train.peak import mesh_peak
from xgen_train.positions import PositionCurve
from xgen_train.recipe import RunRecipe
from xgen_train.schedule import learning_rate
from xgen_train.state import TrainState, abstract_state, fresh_state
from xgen_train.step import StepMetrics, compile_step

__all__ = ["DivergedError", "Evaluation", "Session"]


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
        evaluation: what it measures besides, if anything.
        checkpoints: where it saves.
        origin: makes the first weights, on their devices.
        faults: how it is watched, and what is done to it.
    """

    def __init__(
        self,
        recipe: RunRecipe,
        run: Run,
        mesh: Mesh,
        *,
        feed: Feed,
        objective: Objective,
        evaluation: Evaluation | None,
        checkpoints: CheckpointStore,
        origin: Callable[[], Params],
        faults: FaultOptions | None = None,
    ) -> None:
        self.recipe, self.run, self.mesh = recipe, run, mesh
        self.feed, self.objective, self.evaluation = feed, objective, evaluation
        self.origin, self.here = origin, Processes.here()
        self.layout = abstract_state(recipe, mesh)
        self.rate = learning_rate(recipe.optimizer, feed.total_steps)
        self.events = EventLog(run.directory)
        self.rollbacks = Rollbacks(recipe.guard, self.events)
        self.archive = Archive(
            recipe, feed, checkpoints, self.layout, events=self.events, rollbacks=self.rollbacks
        )
        options = faults or FaultOptions()
        self.injector = Injector(options.inject, self.here.index, run.directory)
        self.termination = Termination()
        stacks = run.directory / f"stacks-{self.here.index}.txt"
        self.watchdog = Watchdog(options.watchdog, stacks)
        self.step_function = compile_step(
            self.injector.objective(objective), recipe, feed.total_steps, mesh
        )
        self.state: TrainState

    def run_to_end(self, tensorboard: bool | None = None) -> None:
        """Train until the feed ends; where it has ended already, nothing is touched.

        Args:
            tensorboard: see `Monitor`.

        Raises:
            DivergedError: updates are refused again and again.
            OSError: a checkpoint could not be written; nothing of it is left.
            SystemExit: with 0: the run was told to end, and has saved.
        """
        if self.archive.finished:
            return
        with self.termination, self.watchdog:
            jobs = {"processes": self.here.count, "devices": self.mesh.size}
            self.events.append("start", jobs)
            step = self.begin()
            try:
                with Monitor(
                    self.run,
                    total_tokens=self.feed.tokens_before(self.feed.total_steps),
                    start_step=step,
                    start_tokens=self.feed.tokens_before(step),
                    tensorboard=tensorboard,
                    peak=mesh_peak(self.mesh),
                ) as monitor:
                    step = self.loop(step, monitor)
            except Exception as error:
                self.events.append("stop", {"why": f"{type(error).__name__}: {error}"})
                raise
            finished = step == self.feed.total_steps
            self.events.append("stop", {"step": step, "why": "end" if finished else "signal"})
        if not finished:
            if self.here.leads:
                sys.stderr.write(
                    f"xgen: stopped at step {step} of {self.feed.total_steps}; the same command "
                    "goes on\n"
                )
            raise SystemExit(0)

    def begin(self) -> int:
        """Set `state` to go on from, and return the number of steps done."""
        found = self.archive.newest()
        if found is None:
            places = jax.tree.map(lambda leaf: leaf.sharding, self.layout)
            make = jax.jit(lambda params: fresh_state(self.recipe, params), out_shardings=places)
            found = 0, on_mesh(self.mesh, make)(self.origin())
        step, self.state = found
        lost = [row["seconds"] for row in self.run.timings.rows() if row["step"] > step]
        if lost:
            values = {"step": step, "steps": len(lost), "seconds": round(sum(lost), 3)}
            self.events.append("lost", values)
        if self.here.leads:
            self.run.metrics.cut(step)
            self.run.timings.cut(step)
        self.watchdog.beat(f"step {step}", patient=True)
        return step

    def loop(self, step: int, monitor: Monitor) -> int:
        """Steps from `step` on; returns how many are done at the end, or at a stop."""
        while step < self.feed.total_steps and not self.ends(step):
            if self.rollbacks.passing_over(step + 1):
                step = self.pass_over(step, monitor)
            else:
                step = self.stretch(step, monitor)
        self.archive.settle()
        if step > self.archive.last:
            self.save(step)
            self.archive.settle()
        return step

    def stretch(self, step: int, monitor: Monitor) -> int:
        """Steps without a break; returns how many are done then."""
        # metrics of a step are fetched after the next one is on its way, so the device never waits
        waiting: StepMetrics | None = None
        for following, batch in self.batches(step):
            if self.rollbacks.passing_over(following) or self.ends(step):
                break
            self.injector.before(following, self.newest_checkpoint)
            self.state, metrics = self.step_function(self.state, place_batch(self.mesh, batch))
            if waiting is not None and self.log(monitor, step, waiting):
                return self.go_back(monitor, step, waiting)
            step, waiting = following, metrics
            if self.pauses(step):
                if self.log(monitor, step, waiting):
                    return self.go_back(monitor, step, waiting)
                waiting = None
                self.pause(step, monitor)
        if waiting is not None and self.log(monitor, step, waiting):
            return self.go_back(monitor, step, waiting)
        return step

    def batches(self, step: int) -> Iterator[tuple[int, Any]]:
        """This process's rows, with the number that their step will have, 1 for the first."""
        part, parts = row_part(self.mesh)
        found = self.feed.batches(step, part, parts, lambda: self.state.params)
        yield from enumerate(self.injector.batches(found, step), step + 1)

    def ends(self, step: int) -> bool:
        """Whether the run is to end behind a step: it was told to, or cannot save."""
        self.archive.settle(wait=False)
        if self.archive.failed:
            self.termination.wanted = True
        return self.termination.due(step, len(self.rollbacks))

    def pauses(self, step: int) -> bool:
        """Whether something other than the next step follows."""
        every = (self.recipe.evaluate_every, self.recipe.checkpoint_every)
        return step in self.feed.edges or any(step % n == 0 for n in every)

    def pause(self, step: int, monitor: Monitor) -> None:
        """Evaluate and save, as is due behind a step."""
        self.watchdog.beat(f"step {step}", patient=True)
        edge = step in self.feed.edges
        if self.evaluation and (edge or step % self.recipe.evaluate_every == 0):
            begun = time.monotonic()
            stage = self.feed.stage(step - 1)
            monitor.heldout(step, self.evaluation.measure(self.state.params, stage))
            if edge and (curve := self.evaluation.positions(self.state.params)):
                monitor.positions(step, curve)
            seconds = round(time.monotonic() - begun, 3)
            self.events.append("evaluate", {"step": step, "seconds": seconds})
        if edge:
            # another length or mixture: what was usual is so no more
            fresh = jax.tree.map(_zeros, self.layout.guard)
            self.state = self.state._replace(guard=fresh)
        if edge or step % self.recipe.checkpoint_every == 0:
            self.save(step)
        monitor.pause()
        # the next stage's first step compiles
        self.watchdog.beat(f"step {step}", patient=edge)

    def save(self, step: int) -> None:
        """Begin to write a checkpoint of `state`."""
        # what the checkpoint builds on must be on disk before it
        self.run.metrics.sync()
        self.archive.save(step, self.state)

    def newest_checkpoint(self) -> Any:
        """Where the newest checkpoint lies, once it is on disk; None for none."""
        self.archive.settle()
        steps = self.archive.store.steps()
        return self.archive.store.step_directory(steps[-1]) if steps else None

    def go_back(self, monitor: Monitor, step: int, metrics: StepMetrics) -> int:
        """Return to a checkpoint from before the refused updates; returns its step.

        Raises:
            DivergedError: that has been done often enough.
        """
        self.archive.settle()
        refused = range(step - int(metrics.refused) + 1, step + 1)
        figures = {
            "loss": _finite(float(metrics.loss)),
            "gradient_norm": _finite(float(metrics.gradient_norm)),
        }
        store = self.archive.store
        end = self.feed.total_steps
        rollback = self.rollbacks.go_back(refused, store.steps(), end, figures)
        store.remove([s for s in store.numbered() if s > rollback.checkpoint])
        if self.here.leads:
            sys.stderr.write(
                f"xgen: warning: {len(refused)} updates in a row were refused; back from step "
                f"{step} to {rollback.checkpoint}, and past the batches up to {rollback.until}\n"
            )
        step = self.begin()
        monitor.went_back(self.feed.tokens_before(step))
        return step

    def pass_over(self, step: int, monitor: Monitor) -> int:
        """Steps without an update, as long as their batches are left out."""
        while step < self.feed.total_steps and (number := self.rollbacks.passing_over(step + 1)):
            step += 1
            before, tokens = (self.feed.tokens_before(s) for s in (step - 1, step))
            values = {
                "stage": self.feed.stage(step - 1),
                "skipped": f"rollback {number}",
                "tokens": tokens,
                "data": self.feed.digest(step - 1),
            }
            monitor.passed_over(step, values, tokens=tokens - before)
            self.state = self.state._replace(step=self.archive.count(step))
            if self.pauses(step):
                self.pause(step, monitor)
        return step

    def log(self, monitor: Monitor, step: int, metrics: StepMetrics) -> bool:
        """Record a step; `step` counts from 1. Returns whether too many updates were refused."""
        stage = self.feed.stage(step - 1)
        rows = {name: as_read(self.mesh, np.asarray(x)) for name, x in metrics.rows.items()}
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
        length = tokens // len(next(iter(rows.values())))
        flops = tokens * training_flops_per_token(self.recipe.model, length)
        monitor.step(step, values, tokens=tokens, flops=flops, note=note)
        self.watchdog.beat(f"step {step}")
        return int(metrics.refused) >= self.recipe.guard.patience

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


def _zeros(leaf: jax.ShapeDtypeStruct) -> jax.Array:
    zeros = np.zeros(leaf.shape, leaf.dtype)
    return jax.make_array_from_callback(leaf.shape, leaf.sharding, lambda index: zeros[index])


def _finite(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
