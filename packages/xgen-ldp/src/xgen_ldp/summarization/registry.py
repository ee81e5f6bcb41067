"""Ways to summarise, by name."""

from __future__ import annotations

from collections.abc import Sequence

from xgen_core import InputError, apply_settings
from xgen_core.codec import unknown_name
from xgen_ldp.summarization.ldp import LdpSummaries
from xgen_ldp.summarization.pivot import PivotSummaries
from xgen_ldp.summarization.summarizer import SummaryMethod
from xgen_ldp.summarization.zero_shot import ZeroShotSummaries

__all__ = ["load_summary_method"]

_METHODS = {"ldp": LdpSummaries, "pivot": PivotSummaries, "zero-shot": ZeroShotSummaries}


def load_summary_method(name: str, settings: Sequence[str] = ()) -> SummaryMethod:
    """A method with its settings.

    Args:
        name: `ldp`, `pivot` or `zero-shot`.
        settings: `field=value`, as `--set` takes them.

    Raises:
        InputError: no such method.
        RecipeError: no such setting, or a value that does not fit.
    """
    if name not in _METHODS:
        raise InputError(unknown_name(name, list(_METHODS), "method"))
    return apply_settings(_METHODS[name](), settings)
