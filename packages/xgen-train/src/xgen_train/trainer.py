"""A `TrainRecipe` from beginning to end: pre-training, continued or not, and tuning on a store."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from jax.sharding import Mesh

from xgen_core import InputError, Run
from xgen_core.codec import decode
from xgen_data import TokenStore
from xgen_model import CheckpointStore, abstract_params, make_mesh, row_part, trained_mask
from xgen_train.allocator import keep_freed_memory
from xgen_train.curriculum import build_order
from xgen_train.distributed import leader_first, leader_only
from xgen_train.faults import FaultOptions
from xgen_train.feed import StoreFeed
from xgen_train.heldout import Heldout
from xgen_train.objective import LanguageModelling
from xgen_train.origin import first_params, open_start
from xgen_train.recipe import RunRecipe, TrainRecipe
from xgen_train.rows import check_division
from xgen_train.schedule import learning_rate
from xgen_train.sections import write_sections
from xgen_train.session import Session

__all__ = ["TrainResult", "train"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """How a run ended.

    Attributes:
        run: the run directory.
        checkpoint: the directory that `local:` opens.
        steps: optimizer steps done in all.
        loss: of the last step, nats per token.
        parameters: of the model.
    """

    run: Path
    checkpoint: Path
    steps: int
    loss: float
    parameters: int


def train(
    recipe: TrainRecipe,
    output: Path | str,
    *,
    tensorboard: bool | None = None,
    faults: FaultOptions | None = None,
) -> TrainResult:
    """Run a recipe to its end, taking up what an earlier process of the same recipe left.

    Where there are several processes, each calls this with the same arguments, and sees the same
    files.

    Args:
        recipe: the resolved recipe.
        output: the run directory.
        tensorboard: see `Monitor`.
        faults: how the run is watched, and what is done to it.

    Raises:
        InputError: the store is not there, does not fit the recipe, or the directory holds a run of
            another recipe.
        DivergedError: updates are refused again and again.
        SystemExit: with 0: SIGTERM or SIGINT came, and the run has saved.
    """
    store = TokenStore.open(recipe.store)
    _check_vocabulary(recipe, store)
    order = build_order(recipe, store)
    mesh = open_mesh(recipe, order.total_steps)
    for stage in recipe.stages:
        rows = recipe.batch_tokens // stage.sequence_length // recipe.micro_batches
        check_division(mesh.shape, rows, stage.sequence_length)
    run = leader_first(lambda: _take_up(Path(output), recipe))
    checkpoints = leader_first(lambda: _checkpoints(run, recipe, store))
    session = Session(
        recipe,
        run,
        mesh,
        feed=StoreFeed(recipe, store, order),
        objective=LanguageModelling(config=recipe.model, z_loss=recipe.z_loss),
        evaluation=Heldout(recipe, store, mesh),
        checkpoints=checkpoints,
        origin=lambda: first_params(recipe, mesh),
        faults=faults,
    )

    def write_page() -> None:
        leader_only(lambda: write_sections(run, recipe, order, store, mesh, session.parameters))

    try:
        session.run_to_end(tensorboard)
    except SystemExit:  # stopped, and has a page all the same
        write_page()
        raise
    write_page()
    losses = [row["loss"] for row in run.metrics.rows() if "loss" in row]
    return TrainResult(
        run=run.directory,
        checkpoint=checkpoints.directory,
        steps=order.total_steps,
        loss=losses[-1],
        parameters=session.parameters,
    )


def _checkpoints(run: Run, recipe: TrainRecipe, store: TokenStore) -> CheckpointStore:
    with store.tokenizer_directory() as tokenizer:
        return CheckpointStore.create(
            run.directory / "checkpoints",
            recipe.model,
            tokenizer=tokenizer,
            tokenizer_fingerprint=store.manifest.tokenizer.fingerprint,
            keep_last=recipe.keep_last,
            keep=recipe.edges,
            keep_every=recipe.keep_every,
        )


def _take_up(output: Path, recipe: TrainRecipe) -> Run:
    """The run directory; one whose mixture is changed from here on gets the new recipe."""
    if not (output / "run.json").exists():
        return Run.create(output, "train", recipe)
    run = Run.open(output)
    checkpoint = output / "checkpoints"
    if run.kind != "train" or not (checkpoint / "config.json").exists():
        return Run.create(output, "train", recipe)
    done = CheckpointStore(checkpoint).latest() or 0
    before = decode(TrainRecipe, run.recipe)
    if before == recipe or before.until(0) != recipe.until(0):
        return Run.create(output, "train", recipe)
    if before.until(done) != recipe.until(done):
        raise InputError(
            f"{output}: {done} steps are done, and what they read cannot change: changes of the "
            f"mixture begin at step {done} or later"
        )
    run.revise(recipe)
    return run


def open_mesh(recipe: RunRecipe, total_steps: int) -> Mesh:
    """The recipe's devices, before anything is written.

    Raises:
        InputError: they are not there, the schedule does not fit the run, or what is to be trained
            is no part of the model.
    """
    keep_freed_memory()
    trained_mask(abstract_params(recipe.model), recipe.trained)
    try:
        learning_rate(recipe.optimizer, total_steps)
        mesh = make_mesh(dataclasses.asdict(recipe.mesh))
        row_part(mesh)
    except ValueError as error:
        raise InputError(f"this recipe cannot run here: {error}") from error
    return mesh


def _check_vocabulary(recipe: TrainRecipe, store: TokenStore) -> None:
    made_for = store.manifest.tokenizer
    if recipe.model.n_tokens != made_for.vocab_size:
        raise InputError(
            f"the model has {recipe.model.n_tokens} token ids, but {store.location} was tokenised "
            f"with {made_for.vocab_size}: --set model.n_tokens={made_for.vocab_size} (and "
            "model.vocab_size at least that), or build the store with the right tokenizer"
        )
    source = open_start(recipe)
    known = None if source is None else source.tokenizer_fingerprint
    if known is not None and known != made_for.fingerprint:
        raise InputError(
            f"{recipe.start} was made for tokenizer {known[:16]}, but {store.location} was "
            f"tokenised with {made_for.fingerprint[:16]}: build the store with the model's own"
        )
