"""Options that several commands of `xgen train` have, and how they show a recipe."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

__all__ = [
    "json_option",
    "output_option",
    "settings_option",
    "show_option",
    "show_recipe",
    "start_option",
    "template_option",
    "tensorboard_option",
]

Decorator = Callable[[Any], Any]

output_option: Decorator = click.option(
    "--output", "-o", required=True, type=click.Path(), help="The run directory."
)
tensorboard_option: Decorator = click.option(
    "--tensorboard/--no-tensorboard",
    default=None,
    help="Write TensorBoard events (default: where tensorboardX is installed).",
)
template_option: Decorator = click.option(
    "--template",
    metavar="FILE|xgen|raw",
    help="Chat template as JSON, XGen-7B-Inst's, or none at all; the model's own by default.",
)
show_option: Decorator = click.option(
    "--show", is_flag=True, help="Print the resolved recipe as JSON and stop."
)
json_option: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON."
)


def settings_option(example: str) -> Decorator:
    """`--set`, with an example of what it changes."""
    return click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        help=f"Change one field of the recipe, as in {example}.",
    )


def start_option(what: str, *, required: bool) -> Decorator:
    """`--from`, a model on disk, and what is done with it."""
    return click.option(
        "--from",
        "start",
        required=required,
        type=click.Path(exists=True, file_okay=False),
        help=what,
    )


def show_recipe(recipe: object) -> None:
    """Print a recipe as JSON."""
    from xgen_core.codec import encode

    click.echo(json.dumps(encode(recipe), indent=2, ensure_ascii=False))
