"""What `xgen train sft` and `xgen train prompt` share: options, and the way from them to a run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xgen_train.commands.options import (
    json_option,
    output_option,
    settings_option,
    show_option,
    show_recipe,
    start_option,
    template_option,
    tensorboard_option,
)

if TYPE_CHECKING:
    from xgen_train.tuning import Resolved, TaskSet, Tuning

__all__ = ["TuningOptions", "parse_tuning", "run_tuning", "tuning_options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningOptions:
    """The shared options as given; see the help texts below."""

    files: tuple[str, ...]
    start: str
    output: str
    held_out: tuple[str, ...]
    by_task: bool
    weight: tuple[str, ...]
    cap: int
    temperature: float
    task_prompt: tuple[str, ...]
    template: str | None
    length: int
    truncate: bool
    batch: int
    epochs: float
    samples: int
    cache: str | None
    settings: tuple[str, ...]
    tensorboard: bool | None
    show: bool
    as_json: bool


_OPTIONS = (
    click.argument("files", nargs=-1, required=True, metavar="[NAME=]FILE..."),
    start_option("The model to tune: a run, checkpoint or Hugging Face directory.", required=True),
    output_option,
    click.option(
        "--held-out",
        multiple=True,
        metavar="[NAME=]FILE",
        help="Examples to measure on: of the set of that name, or of a task that is not trained.",
    ),
    click.option("--by-task", is_flag=True, help="Tell examples apart by their own `task`."),
    click.option(
        "--weight", multiple=True, metavar="NAME=X", help="Share of the tokens that a set has."
    ),
    click.option(
        "--cap",
        type=click.IntRange(0),
        default=0,
        help="The most examples that count for a set's share; 0 for no cap.",
    ),
    click.option(
        "--temperature",
        type=click.FloatRange(0, min_open=True),
        default=1.0,
        help="Above 1 brings the sets' shares together.",
    ),
    click.option(
        "--task-prompt",
        multiple=True,
        metavar="NAME=TEXT",
        help="Text before every example of a set.",
    ),
    template_option,
    click.option(
        "--length",
        type=click.IntRange(0),
        default=0,
        help="Tokens in a row; 0 for 2,048, or the model's context where that is less.",
    ),
    click.option(
        "--truncate",
        is_flag=True,
        help="Examples longer than a row lose their oldest turns instead of being left out.",
    ),
    click.option(
        "--batch",
        type=click.IntRange(1),
        default=64,
        show_default=True,
        help="Examples in a step, about.",
    ),
    click.option(
        "--epochs", type=click.FloatRange(0, min_open=True), default=3.0, show_default=True
    ),
    click.option(
        "--samples",
        type=click.IntRange(0),
        default=3,
        show_default=True,
        help="Held-out examples answered before and after, for the page.",
    ),
    click.option("--cache", type=click.Path(), help="Where the token store goes [OUTPUT/data]."),
    settings_option("optimizer.learning_rate=1e-4"),
    tensorboard_option,
    show_option,
    json_option,
)


def tuning_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the shared options; they arrive as one `TuningOptions`, its first argument."""
    names = [field.name for field in fields(TuningOptions)]

    @functools.wraps(command)
    def call(**values: Any) -> None:
        shared = TuningOptions(**{name: values.pop(name) for name in names})
        command(shared, **values)

    for option in reversed(_OPTIONS):
        call = option(call)
    return call


def parse_tuning(options: TuningOptions) -> Tuning:
    """What the shared options say of a tuning; the rest is for the command to replace."""
    from xgen_core.errors import RecipeError
    from xgen_train.tuning import Tuning

    weights: dict[str, float] = {}
    for text in options.weight:
        name, value = _pair(text, "--weight NAME=X")
        if name in weights:
            raise RecipeError(f"--weight names {name!r} twice")
        try:
            weights[name] = float(value)
        except ValueError:
            raise RecipeError(f"--weight {text}: {value!r} is not a number") from None
    return Tuning(
        start=options.start,
        length=options.length,
        batch=options.batch,
        epochs=options.epochs,
        weights=weights,
        cap=options.cap,
        temperature=options.temperature,
        truncate=options.truncate,
    )


def run_tuning(options: TuningOptions, tuning: Tuning) -> None:
    """Prepare, resolve, show or run."""
    from xgen_core.recipe import apply_settings
    from xgen_train.commands.run import show_result
    from xgen_train.distributed import joined, leader_first, leads
    from xgen_train.tuning import tune

    with joined():
        resolved = leader_first(lambda: _resolved(options, tuning))
        if options.show:
            recipe = apply_settings(resolved.recipe, options.settings)
            if leads():
                show_recipe(recipe)
            return
        result = tune(
            resolved,
            Path(options.output),
            settings=options.settings,
            samples=options.samples,
            tensorboard=options.tensorboard,
        )
    if leads():
        show_result(result, options.as_json)
        if resolved.apart and not options.as_json:
            click.echo(f"soft prompts by task, for PEFT: {result.run / 'prompts'}")


def _resolved(options: TuningOptions, tuning: Tuning) -> Resolved:
    """The examples in a store, and the recipe over it; says what was left out."""
    from xgen_train.chat import read_template
    from xgen_train.distributed import leads
    from xgen_train.tuning import prepare_sets, resolve

    cache = Path(options.cache or Path(options.output) / "data")
    prepared = prepare_sets(_sets(options), cache / "examples", by_task=options.by_task)
    template = read_template(options.template) if options.template else None
    resolved = resolve(tuning, prepared, cache / "store", template=template)
    left_out = [(reason, count) for reason, count in prepared.dropped.items()]
    left_out += [(f"{reason} ({task})", count) for task, reason, count in resolved.left_out]
    for reason, count in left_out if leads() else ():
        click.echo(f"left out {count:,}: {reason}", err=True)
    return resolved


def _sets(options: TuningOptions) -> list[TaskSet]:
    """One set a name, with what is held out and its prompt."""
    from xgen_core.errors import RecipeError
    from xgen_train.tuning import TaskSet

    found: dict[str, TaskSet] = {}
    for text in options.files:
        one = TaskSet.parse(text)
        if one.name in found:
            raise RecipeError(f"two sets are named {one.name!r}: give NAME=FILE")
        found[one.name] = one
    measured: set[str] = set()
    for text in options.held_out:
        one = TaskSet.parse(text)
        if one.name in measured:
            raise RecipeError(f"--held-out names {one.name!r} twice: put its examples in one file")
        measured.add(one.name)
        known = found.get(one.name, TaskSet(name=one.name, validation=one.train))
        # of a directory what it holds out, which nobody trains on
        found[one.name] = replace(known, validation=one.validation or one.train)
    prompted: set[str] = set()
    for text in options.task_prompt:
        name, prompt = _pair(text, "--task-prompt NAME=TEXT")
        if name not in found:
            known = ", ".join(found)
            raise RecipeError(f"--task-prompt {name}=…: no set of that name; there are {known}")
        if name in prompted:
            raise RecipeError(f"--task-prompt names {name!r} twice")
        prompted.add(name)
        found[name] = replace(found[name], prompt=prompt)
    return list(found.values())


def _pair(text: str, form: str) -> Sequence[str]:
    from xgen_core.errors import RecipeError

    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise RecipeError(f"expected {form}, got {text!r}")
    return name, value
