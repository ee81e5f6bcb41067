"""The one function that finds what other packages provide, by entry-point group and name."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from xgen_core.codec import unknown_name
from xgen_core.errors import MissingExtraError, PluginError, XgenError

__all__ = ["PROVIDERS", "available", "load"]

PROVIDERS = {
    ("xgen.commands", "tokenizer"): "xgen-tokenizer",
    ("xgen.commands", "data"): "xgen-data",
    ("xgen.commands", "model"): "xgen-model",
    ("xgen.commands", "train"): "xgen-train",
    ("xgen.commands", "eval"): "xgen-eval",
    ("xgen.commands", "reason"): "xgen-reason",
    ("xgen.commands", "ldp"): "xgen-ldp",
    ("xgen.commands", "distill"): "xgen-distill",
    ("xgen.models", "local"): "xgen-model",
    ("xgen.tokenizers", "xgen"): "xgen-tokenizer",
    ("xgen.tokenizers", "dir"): "xgen-tokenizer",
    ("xgen.exporters", "tokenizer"): "xgen-tokenizer",
}
"""Which of our distributions provides what, for the advice when it is not installed."""


def available(group: str) -> dict[str, EntryPoint]:
    """Entry points of a group by name, loading none of them."""
    return {point.name: point for point in entry_points(group=group)}


def load(group: str, name: str) -> Any:
    """Load what `name` stands for in `group`.

    Raises:
        PluginError: nobody provides it (with the `pip install` line where we know who would), or
            the package that does cannot be imported.
    """
    points = available(group)
    if name not in points:
        if (group, name) in PROVIDERS:
            raise MissingExtraError(f"{name!r}", PROVIDERS[group, name])
        raise PluginError(unknown_name(name, list(points), f"name in {group}"))
    point = points[name]
    try:
        return point.load()
    except XgenError:
        raise
    except Exception as error:
        owner = point.dist.name if point.dist else point.value
        raise PluginError(
            f"{group} {name!r} from {owner} is installed but broken: {error}; "
            f"reinstall it with pip install --force-reinstall {owner}"
        ) from error
