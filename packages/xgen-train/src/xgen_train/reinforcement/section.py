"""What a run by rewards shows on the report page."""

from __future__ import annotations

from collections.abc import Sequence

from xgen_core.report import Item, Items, Plot, Section, Table, line_plot
from xgen_train.reinforcement.prompts import Prompts
from xgen_train.reinforcement.recipe import GrpoRecipe
from xgen_train.sections.curves import Row

__all__ = ["reward_section"]

_SAMPLES = 20

_CURVES = {
    "reward": "mean reward",
    "reward_std": "standard deviation of rewards inside a group",
    "kl": "KL to the reference, nats a token (k3)",
    "entropy": "entropy of the policy, nats a token (estimated)",
    "length": "mean length of an answer, tokens",
    "finished": "share of answers that end by themselves",
    "equal": "share of answers without signal: all rewards of the group are equal",
    "clipped": "share of tokens whose ratio is out of bounds",
}


def reward_section(
    recipe: GrpoRecipe, prompts: Prompts, rows: Sequence[Row], samples: Sequence[Row]
) -> Section:
    """Reward, KL and the figures beside them over the steps, and some answers."""
    steps = [row for row in rows if "reward" in row]
    last = steps[-1]
    summary = (
        f"{len(prompts.kept):,} prompts, {recipe.batch_prompts} a step with {recipe.group} answers "
        f"each, reward {recipe.reward}, KL coefficient {recipe.kl:g}; begun with {recipe.start}, "
        f"which is the reference. Mean reward {steps[0]['reward']:.3f} in the first step, "
        f"{last['reward']:.3f} in the last, where KL is {last['kl']:.4f} nats a token."
    )
    counts = [("answered", len(prompts.kept))]
    counts += [(f"dropped: {reason}", count) for reason, count in prompts.dropped.items()]
    return Section(
        title="Rewards",
        summary=summary,
        blocks=(
            Table(columns=("prompts", "count"), rows=tuple(counts)),
            *(_curve(steps, name, title) for name, title in _CURVES.items()),
            Items(
                items=tuple(map(_item, _some(samples))),
                caption="The first group of some steps.",
            ),
        ),
    )


def _curve(steps: Sequence[Row], name: str, title: str) -> Plot:
    return line_plot(
        rows=steps,
        x="step",
        y=name,
        x_title="step",
        y_title=name.replace("_", " "),
        description=f"{title} over the steps",
        caption=f"{title[0].upper()}{title[1:]}.",
    )


def _some(samples: Sequence[Row]) -> list[Row]:
    """The first, the last, and those evenly between."""
    count = min(_SAMPLES, len(samples))
    return [samples[i * (len(samples) - 1) // max(count - 1, 1)] for i in range(count)]


def _item(sample: Row) -> Item:
    answers = zip(sample["answers"], sample["rewards"], strict=True)
    fields = {f"{n}: reward {reward:g}": answer for n, (answer, reward) in enumerate(answers, 1)}
    return Item(title=f"step {sample['step']}, prompt {sample['id']}", fields=fields)
