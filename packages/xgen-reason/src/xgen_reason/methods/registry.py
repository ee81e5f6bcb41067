"""Methods by the names of the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from xgen_core import RecipeError
from xgen_core.codec import unknown_name
from xgen_core.recipe import apply_settings
from xgen_reason.methods.calibrated import CalibratedSelfConsistency
from xgen_reason.methods.chain_of_knowledge import ChainOfKnowledge
from xgen_reason.methods.chain_of_thought import ChainOfThought
from xgen_reason.methods.fallback_pair import FallbackPair
from xgen_reason.methods.method import Method
from xgen_reason.methods.react import ReAct
from xgen_reason.methods.sampling import Sampling
from xgen_reason.methods.self_consistency import SelfConsistency
from xgen_reason.methods.standard import Standard
from xgen_reason.methods.verify_edit import VerifyAndEdit

__all__ = ["load_method", "method_names"]


def _many() -> SelfConsistency:
    """As ReAct's pairs have it: 21 samples."""
    return SelfConsistency(sampling=Sampling(n=21))


_METHODS: Mapping[str, Callable[[], object]] = {
    "standard": Standard,
    "cot": ChainOfThought,
    "cot-sc": SelfConsistency,
    "cot-sc-calibrated": CalibratedSelfConsistency,
    "react": ReAct,
    "cot-sc-react": lambda: FallbackPair(first=_many(), second=ReAct()),
    "react-cot-sc": lambda: FallbackPair(first=ReAct(), second=_many()),
    "verify-edit": VerifyAndEdit,
    "chain-of-knowledge": ChainOfKnowledge,
}


def method_names() -> list[str]:
    """Names that `load_method` knows, from the simplest to the last."""
    return list(_METHODS)


def load_method(name: str, settings: Sequence[str] = ()) -> Method:
    """A method with the papers' settings, and those that are given instead.

    Args:
        name: one of `method_names()`.
        settings: `field=value`, `sampling.n=10` say.

    Raises:
        RecipeError: no such method, no such field, or a value that it does not take.
    """
    if name not in _METHODS:
        raise RecipeError(unknown_name(name, list(_METHODS), "method"))
    return cast(Method, apply_settings(_METHODS[name](), settings))
