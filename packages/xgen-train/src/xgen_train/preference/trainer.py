"""A `DpoRecipe` from beginning to end."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xgen_core import Run, Tokenizer
from xgen_model import Lora
from xgen_train.chat import open_chat, start_model
from xgen_train.distributed import leader_first, leader_only
from xgen_train.epochs import Epochs
from xgen_train.origin import first_params
from xgen_train.preference.evaluation import HeldOutPairs, PairReader
from xgen_train.preference.feed import PairFeed
from xgen_train.preference.objective import PreferenceOptimisation
from xgen_train.preference.pairs import encode_pairs, read_pairs
from xgen_train.preference.recipe import DpoRecipe
from xgen_train.preference.reference import cached_reference
from xgen_train.preference.section import preference_section
from xgen_train.recipe import OptimizerRecipe
from xgen_train.rows import check_division, row_width
from xgen_train.session import Session
from xgen_train.trainer import open_mesh

__all__ = ["DpoResult", "dpo_recipe", "train_dpo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DpoResult:
    """How a run ended.

    Attributes:
        run: the run directory.
        checkpoint: the directory that `local:` opens.
        steps: optimizer steps done in all.
        pairs: that were trained on.
        dropped: pairs that were not, by reason.
        loss, margin, accuracy: of the last step; see `PreferenceOptimisation.values`.
    """

    run: Path
    checkpoint: Path
    steps: int
    pairs: int
    dropped: Mapping[str, int]
    loss: float
    margin: float
    accuracy: float


def dpo_recipe(
    pairs: str, start: str, *, lora: Lora | None = None, beta: float = 0.1, epochs: int = 1
) -> DpoRecipe:
    """A recipe for pairs and a model, with the setting of Rafailov et al. 2023 where it is known.

    Theirs: β 0.1, 64 pairs a step, a learning rate of 1e-6 that rises over 150 steps and then stays
    (with RMSprop; here Adam). Chosen: warm-up over a tenth of a shorter run, no weight decay, and
    ten times the rate for LoRA, whose adapters begin at zero.

    Args:
        pairs: the JSONL file.
        start: the model.
        lora: adapters to train instead of the model.
        beta: see `DpoRecipe`.
        epochs: see `DpoRecipe`.

    Raises:
        XgenError: the file has no pairs, or there is no model.
    """
    model, trained = start_model(start, lora)
    steps = Epochs(len(read_pairs(pairs)), 64, 0).steps(epochs)
    return DpoRecipe(
        model=model,
        start=start,
        trained=trained,
        pairs=pairs,
        sequence_length=min(1024, model.context_length - model.soft_prompt),
        epochs=epochs,
        beta=beta,
        optimizer=OptimizerRecipe(
            learning_rate=1e-6 if lora is None else 1e-5,
            warmup_steps=min(150, steps // 10),
            schedule="constant",
            weight_decay=0.0,
        ),
        checkpoint_every=100,
        evaluate_every=100,
    )


def train_dpo(
    recipe: DpoRecipe,
    output: Path | str,
    *,
    tokenizer: Tokenizer | None = None,
    tensorboard: bool | None = None,
) -> DpoResult:
    """Run a recipe to its end, taking up what an earlier process of the same recipe left.

    Args:
        recipe: the resolved recipe.
        output: the run directory.
        tokenizer: in place of the one beside the weights.
        tensorboard: see `Monitor`.

    Raises:
        InputError: pairs or model are not there or do not fit, or the directory holds a run of
            another recipe.
        DivergedError: the loss is not finite any more.
    """
    chat = open_chat(recipe, recipe.template, tokenizer)
    pairs = encode_pairs(
        read_pairs(recipe.pairs),
        chat.template,
        chat.tokenizer,
        max_tokens=recipe.sequence_length,
        hold_out=recipe.hold_out,
    )
    steps = Epochs(len(pairs.trained), recipe.batch_pairs, recipe.seed).steps(recipe.epochs)
    mesh = open_mesh(recipe, steps)
    width = row_width(pairs.longest, recipe.sequence_length)
    check_division(
        mesh.shape, recipe.batch_pairs // recipe.micro_batches, width + recipe.model.soft_prompt
    )
    objective = PreferenceOptimisation(
        config=recipe.model,
        loss=recipe.loss,
        beta=recipe.beta,
        label_smoothing=recipe.label_smoothing,
        length_normalised=recipe.length_normalised,
    )
    run = leader_first(lambda: Run.create(output, "dpo", recipe))
    checkpoints = leader_first(
        lambda: chat.checkpoints(run.directory / "checkpoints", recipe, steps)
    )
    reader = PairReader(recipe, objective, pairs, mesh)
    both = f"{pairs.fingerprint} {chat.source.identity}"
    fingerprint = hashlib.sha256(both.encode()).hexdigest()
    reference = cached_reference(
        run.directory / "reference.npz",
        fingerprint,
        lambda: reader.reference(first_params(recipe, mesh), (*pairs.trained, *pairs.held_out)),
    )
    session = Session(
        recipe,
        run,
        mesh,
        feed=PairFeed(recipe, pairs, reference, fingerprint),
        objective=objective,
        evaluation=HeldOutPairs(recipe, objective, pairs, reference, reader),
        checkpoints=checkpoints,
        origin=lambda: first_params(recipe, mesh),
    )
    session.run_to_end(tensorboard)
    rows = run.metrics.rows()
    section = preference_section(recipe, pairs, rows)
    leader_only(lambda: run.write_section("20-preference", section))
    last = [row for row in rows if "margin" in row][-1]
    return DpoResult(
        run=run.directory,
        checkpoint=checkpoints.directory,
        steps=steps,
        pairs=len(pairs.trained),
        dropped=pairs.dropped,
        loss=last["loss"],
        margin=last["margin"],
        accuracy=last["accuracy"],
    )
