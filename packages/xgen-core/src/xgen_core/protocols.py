"""What a tokenizer and a model must be able to do, whoever provides them.

Every implementation passes the conformance suite in `xgen_core.testing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from xgen_core.records import (
    Completion,
    GenerationRequest,
    ModelInfo,
    Score,
    ScoreRequest,
    TokenBatch,
)

__all__ = ["Model", "ScoringModel", "Tokenizer"]


@runtime_checkable
class Tokenizer(Protocol):
    """Text to ids and back; ids run from 0 to `vocab_size - 1`."""

    @property
    def name(self) -> str:
        """What people call it, `"xgen"` say."""
        ...

    @property
    def vocab_size(self) -> int:
        """Number of real ids (a model may pad its embedding beyond this)."""
        ...

    @property
    def special_ids(self) -> Mapping[str, int]:
        """Special tokens by name."""
        ...

    @property
    def eos_id(self) -> int:
        """The id that ends a document."""
        ...

    @property
    def bos_id(self) -> int | None:
        """The id that begins every document, or None where the policy is to have none."""
        ...

    @property
    def fingerprint(self) -> str:
        """Equal exactly when two tokenizers give equal ids for every text (hex sha256)."""
        ...

    def encode(self, text: str, *, specials: bool = False) -> list[int]:
        """Ids of a text, no BOS or EOS added.

        Args:
            text: any text without lone surrogates.
            specials: read names of special tokens in the text as those tokens. Off by default:
                text by users must not be able to forge control tokens.
        """
        ...

    def encode_batch(self, texts: Sequence[str], *, specials: bool = False) -> TokenBatch:
        """Ids of many texts, end to end; equal to `encode` of each."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; bytes that are not UTF-8 become U+FFFD.

        Raises:
            ValueError: an id outside the vocabulary.
        """
        ...

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes that one id stands for; a special token stands for its own name.

        Raises:
            ValueError: an id outside the vocabulary.
        """
        ...

    def save(self, directory: Path) -> None:
        """Write a tokenizer directory; `open_tokenizer` reads it back with the same fingerprint."""
        ...


@runtime_checkable
class Model(Protocol):
    """A language model, opened by `open_model(uri)` and used inside `async with`."""

    @property
    def info(self) -> ModelInfo:
        """Identity, context length and tokenizer."""
        ...

    async def __aenter__(self) -> Self:
        """Start whatever the model needs."""
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release it."""
        ...

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """`request.n` completions, in sample order.

        Raises:
            ModelError: the model did not answer.
        """
        ...


@runtime_checkable
class ScoringModel(Model, Protocol):
    """A model that also says how likely a given text is."""

    async def score(self, requests: Sequence[ScoreRequest]) -> Sequence[Score]:
        """One score for each request, in order.

        Raises:
            ModelError: the model did not answer.
        """
        ...
