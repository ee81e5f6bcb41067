"""What a run read: its model, and each stage's sources."""

from __future__ import annotations

from xgen_core.report import Section, Table
from xgen_data import Order, TokenStore
from xgen_train.recipe import TrainRecipe

__all__ = ["training_section"]

_COLUMNS = (
    "stage",
    "sequence length",
    "steps",
    "source",
    "tokens",
    "share of stage, %",
    "epochs of source",
)


def training_section(
    recipe: TrainRecipe, order: Order, store: TokenStore, parameters: int
) -> Section:
    """Shares are those of the order itself, changes of the mixture inside a stage included."""
    rows: list[tuple[str | int | float, ...]] = []
    for number, stage in enumerate(recipe.stages):
        budgets = _budgets(recipe, order, number)
        total = sum(budgets.values())
        for source, tokens in budgets.items():
            line = store.line("train", source).tokens
            share, epochs = round(100 * tokens / total, 2), round(tokens / line, 3)
            rows.append(
                (number + 1, stage.sequence_length, stage.steps, source, tokens, share, epochs)
            )
    model = recipe.model
    shape = (
        f"{parameters:,} parameters: {model.n_layers} layers, width {model.d_model}, "
        f"{model.n_heads} heads, MLP width {model.d_ff}, vocabulary {model.vocab_size:,}, "
        f"context {model.context_length:,}. {recipe.batch_tokens:,} tokens in every step."
    )
    if recipe.start:
        shape += f" Begun with the weights of {recipe.start}; trained: {', '.join(recipe.trained)}."
    caption = "What each stage read. Shares are exact: windows are counted, not drawn."
    return Section(
        title="Training",
        summary=shape,
        blocks=(Table(columns=_COLUMNS, rows=tuple(rows), caption=caption),),
    )


def _budgets(recipe: TrainRecipe, order: Order, number: int) -> dict[str, int]:
    """Tokens of each source in a recipe's stage, which changes of the mixture cut in parts."""
    found: dict[str, int] = {}
    for part, plan in enumerate(order.plans):
        if recipe.stage_of(plan.first_step) == number:
            for source, tokens in order.budgets(part).items():
                found[source] = found.get(source, 0) + tokens
    return found
