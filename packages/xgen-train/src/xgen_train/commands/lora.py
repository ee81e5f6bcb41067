"""`--lora` of the commands that tune: the shape of adapters in one word."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xgen_model import Lora

__all__ = ["lora_option", "parse_lora"]

lora_option = click.option(
    "--lora",
    metavar="rank=N,alpha=X,targets=A+B",
    help="Train adapters alone: any of rank=16,alpha=32,targets=query+value,rank_stabilised=false.",
)


def parse_lora(text: str | None) -> Lora | None:
    """`rank=16,alpha=32,targets=query+value` as adapters; None stays None.

    Raises:
        RecipeError: no such field, or a value that does not fit.
    """
    from xgen_core import RecipeError
    from xgen_core.recipe import apply_settings
    from xgen_model import Lora

    if text is None:
        return None
    settings: list[str] = []
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if name == "targets":
            value = json.dumps(value.split("+"))
        settings.append(f"{name}{equals}{value}")
    try:
        return apply_settings(Lora(), settings)
    except RecipeError as error:
        message = str(error).removeprefix("--set ")
        raise RecipeError(f"--lora {text}: {message}") from error
