"""The training loop: restore or begin, read, step, log, evaluate, checkpoint.

The order of data is a pure function of the recipe, the loader's whole state is the step, and the
metrics file is cut back to the restored step. So a run that is killed anywhere and started again
ends with the same weights, the same losses and the same `metrics.jsonl`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from xgen_core import Batch, InputError, Run, XgenError
from xgen_core.recipe import fingerprint
from xgen_data import Loader, Order, TokenStore, batch_digest
from xgen_model import (
    CheckpointStore,
    Params,
    create,
    make_mesh,
    on_mesh,
    parameter_count,
    place_batch,
    row_part,
    shardings,
)
from xgen_train.curriculum import build_order
from xgen_train.heldout import Heldout
from xgen_train.monitor import Monitor
from xgen_train.optimizer import build_optimizer
from xgen_train.recipe import TrainRecipe
from xgen_train.schedule import learning_rate
from xgen_train.sections import write_sections
from xgen_train.step import StepMetrics, TrainState, make_evaluation, make_step

__all__ = ["DivergedError", "TrainResult", "train"]


class DivergedError(XgenError):
    """The loss or a gradient is no longer a finite number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """How a run ended.

    Attributes:
        run: the run directory.
        checkpoint: the directory that `local:` opens.
        steps: optimizer steps done in all.
        loss: of the last step, nats per token.
        parameters: trained parameters.
    """

    run: Path
    checkpoint: Path
    steps: int
    loss: float
    parameters: int


def train(
    recipe: TrainRecipe, output: Path | str, *, tensorboard: bool | None = None
) -> TrainResult:
    """Run a recipe to its end, taking up what an earlier process of the same recipe left.

    Args:
        recipe: the resolved recipe.
        output: the run directory.
        tensorboard: see `Monitor`.

    Raises:
        InputError: the store is not there, does not fit the recipe, or the directory holds a run of
            another recipe.
        DivergedError: the loss is not finite any more.
    """
    store = TokenStore.open(recipe.store)
    _check_vocabulary(recipe, store)
    order = build_order(recipe, store)
    try:
        mesh = make_mesh(dataclasses.asdict(recipe.mesh))
        learning_rate(recipe.optimizer, recipe.total_steps)
    except ValueError as error:
        raise InputError(f"this recipe cannot run here: {error}") from error
    run = Run.create(output, "train", recipe)
    return _Trainer(recipe, store, order, run, mesh).run_to_end(tensorboard)


def _check_vocabulary(recipe: TrainRecipe, store: TokenStore) -> None:
    size = store.manifest.tokenizer.vocab_size
    if recipe.model.n_tokens != size:
        raise InputError(
            f"the model has {recipe.model.n_tokens} token ids, but {store.location} was tokenised "
            f"with {size}: --set model.n_tokens={size} (and model.vocab_size at least that), or "
            "build the store with the right tokenizer"
        )


class _Trainer:
    def __init__(
        self, recipe: TrainRecipe, store: TokenStore, order: Order, run: Run, mesh: Any
    ) -> None:
        self.recipe, self.store, self.order, self.run, self.mesh = recipe, store, order, run, mesh
        optimizer = build_optimizer(recipe.optimizer, recipe.total_steps)
        self.optimizer = optimizer
        self.step_function = on_mesh(mesh, make_step(recipe.model, optimizer))
        self.rate = learning_rate(recipe.optimizer, recipe.total_steps)
        self.heldout = Heldout(
            store,
            on_mesh(mesh, make_evaluation(recipe.model)),
            self.place,
            batch_tokens=recipe.batch_tokens,
            batches=recipe.evaluate_batches,
        )
        with store.tokenizer_directory() as tokenizer:
            self.checkpoints = CheckpointStore.create(
                run.directory / "checkpoints",
                recipe.model,
                tokenizer=tokenizer,
                tokenizer_fingerprint=store.manifest.tokenizer.fingerprint,
                keep_last=recipe.keep_last,
                keep=recipe.edges,
            )

    def place(self, batch: Batch[Any]) -> Batch[jax.Array]:
        return place_batch(self.mesh, batch)

    def begin(self) -> tuple[TrainState, int]:
        """The state to go on from and the number of steps done."""
        params: Params = create(
            self.recipe.model, self.recipe.seed, shardings=shardings(self.recipe.model, self.mesh)
        )
        state = TrainState(params, jax.jit(self.optimizer.init)(params))
        step = self.checkpoints.latest()
        if step is None:
            return state, 0
        params, optimizer, meta = self.checkpoints.restore(step, state.params, state.optimizer)
        if meta["recipe"] != fingerprint(self.recipe) or meta["data"] != self.store.fingerprint:
            raise InputError(
                f"{self.checkpoints.directory}: step {step} belongs to another recipe or store; "
                "give another --output"
            )
        return TrainState(params, optimizer), step

    def save(self, step: int, state: TrainState) -> None:
        # what the checkpoint builds on must be on disk before it
        self.run.metrics.sync()
        meta = {
            "step": step,
            "tokens": self.order.tokens_before(step),
            "recipe": fingerprint(self.recipe),
            "data": self.store.fingerprint,
        }
        self.checkpoints.save(step, state.params, state.optimizer, meta)

    def run_to_end(self, tensorboard: bool | None) -> TrainResult:
        state, start = self.begin()
        self.run.metrics.cut(start)
        self.run.timings.cut(start)
        parameters = parameter_count(self.recipe.model)
        with Monitor(
            self.run,
            total_tokens=self.order.tokens_before(self.order.total_steps),
            start_step=start,
            start_tokens=self.order.tokens_before(start),
            tensorboard=tensorboard,
        ) as monitor:
            state = self.loop(state, start, monitor)
        write_sections(self.run, self.recipe, self.order, self.store, parameters)
        losses = [row["loss"] for row in self.run.metrics.rows() if "loss" in row]
        return TrainResult(
            run=self.run.directory,
            checkpoint=self.checkpoints.directory,
            steps=self.order.total_steps,
            loss=losses[-1],
            parameters=parameters,
        )

    def loop(self, state: TrainState, start: int, monitor: Monitor) -> TrainState:
        last = self.order.total_steps
        edges = set(self.recipe.edges)
        # metrics of a step are fetched after the next one is on its way, so the device never waits
        waiting: tuple[int, StepMetrics, str] | None = None
        for step, batch in self.batches(start):
            digest = batch_digest(batch)
            state, metrics = self.step_function(state, self.place(batch))
            if waiting is not None:
                self.log(monitor, *waiting)
            waiting = (step, metrics, digest)
            evaluates = step in edges or step % self.recipe.evaluate_every == 0
            saves = step in edges or step % self.recipe.checkpoint_every == 0
            if evaluates or saves or step == last:
                self.log(monitor, *waiting)
                waiting = None
            if evaluates:
                stage = self.recipe.stages[self.order.locate(step - 1)[0]]
                monitor.heldout(step, self.heldout.measure(state.params, stage.sequence_length))
            if saves:
                self.save(step, state)
                monitor.pause()
        return state

    def batches(self, start: int) -> Iterator[tuple[int, Batch[Any]]]:
        """Batches with the number that their step will have, 1 for the first."""
        part, parts = row_part(self.mesh)
        loader = Loader(self.store, self.order, host=part, hosts=parts)
        yield from enumerate(loader.iterate(start), start + 1)

    def log(self, monitor: Monitor, step: int, metrics: StepMetrics, digest: str) -> None:
        stage, _ = self.order.locate(step - 1)
        loss, norm = float(metrics.loss), float(metrics.gradient_norm)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise DivergedError(
                f"step {step}: loss {loss}, gradient norm {norm}; lower optimizer.learning_rate or "
                f"lengthen optimizer.warmup_steps, in a new --output (the last checkpoint is step "
                f"{self.checkpoints.latest() or 0})"
            )
        values = {
            "stage": stage,
            "loss": loss,
            "gradient_norm": norm,
            "learning_rate": float(self.rate(step - 1)),
            "tokens": self.order.tokens_before(step),
            "counted": int(metrics.tokens),
            "batch": digest,
        }
        length = self.recipe.stages[stage].sequence_length
        note = f"loss {loss:.3f}  stage {stage + 1}/{len(self.recipe.stages)} ({length} tokens)"
        monitor.step(step, values, tokens=self.recipe.batch_tokens, note=note)
