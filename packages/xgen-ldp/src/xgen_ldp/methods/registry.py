"""Methods by name; only the one that is asked for is imported."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from xgen_core import InputError, apply_settings
from xgen_core.codec import unknown_name
from xgen_ldp.methods.method import Method

__all__ = ["load_method", "method_names"]

_METHODS = {
    "ldp": "xgen_ldp.methods.ldp:Ldp",
    "zero-shot": "xgen_ldp.methods.zero_shot:ZeroShot",
    "few-shot": "xgen_ldp.methods.few_shot:FewShot",
    "xlt": "xgen_ldp.methods.xlt:Xlt",
    "pivot": "xgen_ldp.methods.pivot:Pivot",
    "naive-reverse": "xgen_ldp.methods.naive_reverse:NaiveReverse",
}


def method_names() -> list[str]:
    """Names of all methods."""
    return list(_METHODS)


def load_method(name: str, settings: Sequence[str] = ()) -> Method:
    """A method with its settings.

    Args:
        name: one of `method_names()`.
        settings: `field=value`, as `--set` takes them.

    Raises:
        InputError: no such method.
        RecipeError: no such setting, or a value that does not fit.
    """
    if name not in _METHODS:
        raise InputError(unknown_name(name, method_names(), "method"))
    module, _, attribute = _METHODS[name].partition(":")
    method = getattr(importlib.import_module(module), attribute)()
    return apply_settings(method, settings)
