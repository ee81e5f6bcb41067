"""Shared interfaces of the xgen packages: records, protocols, errors, runs and model access.

Nothing here imports numpy or jax. Start with `records` (what travels) and `protocols` (who acts).
"""

from xgen_core.codec import CodecError
from xgen_core.errors import (
    BudgetError,
    CapabilityError,
    EndpointError,
    FormatError,
    InputError,
    MissingExtraError,
    ModelError,
    PluginError,
    RecipeError,
    XgenError,
)
from xgen_core.lm import open_model, open_tokenizer
from xgen_core.protocols import Model, ScoringModel, Tokenizer
from xgen_core.recipe import apply_settings, load_recipe
from xgen_core.records import (
    Batch,
    ChatTemplate,
    Check,
    Completion,
    Document,
    Example,
    GenerationRequest,
    Message,
    ModelInfo,
    Preference,
    Score,
    ScoreRequest,
    Segment,
    TokenBatch,
    TokenLogprob,
)
from xgen_core.run import Run

__all__ = [
    "Batch",
    "BudgetError",
    "CapabilityError",
    "ChatTemplate",
    "Check",
    "CodecError",
    "Completion",
    "Document",
    "EndpointError",
    "Example",
    "FormatError",
    "GenerationRequest",
    "InputError",
    "Message",
    "MissingExtraError",
    "Model",
    "ModelError",
    "ModelInfo",
    "PluginError",
    "Preference",
    "RecipeError",
    "Run",
    "Score",
    "ScoreRequest",
    "ScoringModel",
    "Segment",
    "TokenBatch",
    "TokenLogprob",
    "Tokenizer",
    "XgenError",
    "apply_settings",
    "load_recipe",
    "open_model",
    "open_tokenizer",
]
