"""From a URI to a model or tokenizer, by the scheme's entry point.

    local:DIR                 a checkpoint of ours (xgen-model)
    scripted:RULES.jsonl      pattern → replies, for tests and demonstrations
    replay:CALLS.jsonl        recorded answers, read-only
    http://HOST/v1#MODEL      an OpenAI-compatible endpoint (also https:, openai:MODEL)

A provider is a function `open_x(rest_of_uri: str) -> Model`, registered under `xgen.models`; any
package can add a scheme.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

from xgen_core.errors import CapabilityError, InputError, PluginError
from xgen_core.plugins import available, load
from xgen_core.protocols import Model, ScoringModel, Tokenizer

__all__ = ["open_model", "open_tokenizer"]


def open_model(uri: str, *, needs: Literal["generate", "score"] = "generate") -> Model:
    """Open a model; use it inside `async with`.

    Args:
        uri: `scheme:rest`.
        needs: what will be asked of it; `"score"` returns a `ScoringModel`.

    Raises:
        PluginError: no installed package knows the scheme.
        CapabilityError: the model cannot do what is needed.
        InputError: what the URI names is not there.
    """
    scheme, colon, rest = uri.partition(":")
    if not colon:
        known = ", ".join(f"{name}:" for name in sorted(available("xgen.models")))
        hint = f" (local:{uri} for that directory?)" if Path(uri).is_dir() else ""
        raise PluginError(f"a model is named scheme:rest, got {uri!r}{hint}; schemes: {known}")
    model = cast(Model, load("xgen.models", scheme)(rest))
    if needs == "score" and not isinstance(model, ScoringModel):
        raise CapabilityError(
            f"{uri} can generate but not score; use a model that gives log-probabilities, "
            "such as local:DIR"
        )
    return model


def open_tokenizer(uri: str) -> Tokenizer:
    """Open a tokenizer by name (`"xgen"`), by directory, or as `scheme:rest`.

    Raises:
        PluginError: no installed package knows the name.
        InputError: no such directory, or none that holds a tokenizer.
    """
    if Path(uri).is_dir():
        return cast(Tokenizer, load("xgen.tokenizers", "dir")(uri))
    scheme, _, rest = uri.partition(":")
    if "/" in scheme or "." in scheme:
        raise InputError(f"{uri}: no such tokenizer directory")
    return cast(Tokenizer, load("xgen.tokenizers", scheme)(rest))
