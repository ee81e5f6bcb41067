"""The one tokenizer class: a `Vocabulary` run by tiktoken, large batches by something faster."""

from __future__ import annotations

import multiprocessing
import os
import re
from array import array
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
import tiktoken

from xgen_core import ChatTemplate, InputError, MissingExtraError, TokenBatch
from xgen_tokenizer.directory import write_directory
from xgen_tokenizer.fast import EXTRA, Backend, choose_backend
from xgen_tokenizer.vocabulary import GPT2_PATTERN, Vocabulary

if TYPE_CHECKING:
    import numpy.typing as npt

    from xgen_tokenizer.fast import FastEncoder

__all__ = ["TiktokenTokenizer"]

_WHITE_SPACE = r"[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
"""What `\\s` means to tiktoken (Unicode White_Space); Python's also takes U+001C to U+001F."""

_LONG_RUN = re.compile(f"(?<!{_WHITE_SPACE}){_WHITE_SPACE}{{100000,}}+")

_THREADS = 4
_CHARACTERS_FOR_THREADS = 1 << 17

_CHARACTERS_FOR_FAST = 4 << 20
"""tiktoken needs about as long for this much as the fast backend for getting ready."""


class TiktokenTokenizer:
    """Byte-level BPE over any `Vocabulary`; implements `xgen_core.Tokenizer`.

    tiktoken is the reference. Batches go to gigatoken instead if that is installed, gives the same
    ids (see `fast`) and there is enough text to make it worth getting ready. Which one encodes
    never shows in the ids or the fingerprint. It can be shared by threads, and pickled.

    Args:
        name: what people call it.
        vocabulary: what it encodes with.
        backend: `"auto"` as above; `"tiktoken"` never uses another; `"fast"` uses the fast backend
            from the first batch on.
        template: the chat template that travels with it, if one was chosen.

    Raises:
        ValueError: the vocabulary's pattern is not a regular expression.
        MissingExtraError: `"fast"` is asked for and gigatoken is not installed.
        InputError: `"fast"` is asked for and does not work for this vocabulary.
    """

    def __init__(
        self,
        name: str,
        vocabulary: Vocabulary,
        *,
        backend: Literal["auto", "tiktoken", "fast"] = "auto",
        template: ChatTemplate | None = None,
    ) -> None:
        self._name = name
        self._vocabulary = vocabulary
        self._wanted: Literal["auto", "tiktoken", "fast"] = backend
        self._template = template
        self._encoding = tiktoken.Encoding(
            name,
            pat_str=vocabulary.pattern,
            mergeable_ranks=dict(vocabulary.ranks),
            special_tokens=dict(vocabulary.specials),
        )
        self._seen = 0
        if backend == "fast" and self.backend.encoder is None:
            if "pip install" in self.backend.reason:
                raise MissingExtraError("the fast backend", EXTRA)
            raise InputError(f"{name}: no fast backend: {self.backend.reason}")

    def __repr__(self) -> str:
        return f"<TiktokenTokenizer {self._name!r}, {self.vocab_size} ids>"

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (self._name, self._vocabulary, self._wanted, self._template)

    @property
    def name(self) -> str:
        """What people call it, `"xgen"` say."""
        return self._name

    @property
    def vocabulary(self) -> Vocabulary:
        """Ranks, special tokens, pattern and BOS/EOS policy."""
        return self._vocabulary

    @property
    def template(self) -> ChatTemplate | None:
        """The chat template that travels with it, or None where nobody chose one."""
        return self._template

    @cached_property
    def backend(self) -> Backend:
        """What encodes large batches, and why; the first look may take a second."""
        if self._wanted == "tiktoken":
            return Backend("tiktoken", "asked for")
        return choose_backend(self._vocabulary, self._plain_ids)

    @property
    def vocab_size(self) -> int:
        """Number of ids."""
        return self._vocabulary.size

    @property
    def special_ids(self) -> Mapping[str, int]:
        """Special tokens by name."""
        return MappingProxyType(dict(self._vocabulary.specials))

    @property
    def eos_id(self) -> int:
        """The id that ends a document."""
        return self._vocabulary.specials[self._vocabulary.eos]

    @property
    def bos_id(self) -> int | None:
        """The id that begins every document, or None where the policy is to have none."""
        bos = self._vocabulary.bos
        return None if bos is None else self._vocabulary.specials[bos]

    @property
    def fingerprint(self) -> str:
        """Hex sha256 over pattern, ranks, special tokens and the BOS/EOS policy, not the name."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return self._vocabulary.fingerprint()

    def encode(self, text: str, *, specials: bool = False) -> list[int]:
        """Ids of a text, no BOS or EOS added.

        Args:
            text: any text without lone surrogates.
            specials: read names of special tokens in the text as those tokens.

        Raises:
            ValueError: the text has a lone surrogate.
        """
        if not specials and len(text) >= _CHARACTERS_FOR_THREADS:
            return self.encode_batch([text]).ids.tolist()
        return self._ids(text, specials).tolist()

    def encode_batch(self, texts: Sequence[str], *, specials: bool = False) -> TokenBatch:
        """Ids of many texts, end to end; equal to `encode` of each.

        A large batch is shared out to threads: up to four by tiktoken, one a core by the fast
        backend; in a process started by `multiprocessing`, where the batches themselves are
        already shared out, to none. tiktoken hardly gains by threads: see `encode_parallel`.

        Raises:
            ValueError: a text has a lone surrogate.
        """
        if isinstance(texts, str):
            raise TypeError("encode_batch takes a sequence of texts, got one text")

        fast = None if specials else self._fast(texts)
        if fast is not None:
            joined, bounds = fast.encode_batch(texts)
            # numpy calls the two formats by other letters on some platforms
            return TokenBatch(
                ids=joined.data.cast("B").cast("I"),
                offsets=bounds.data.cast("B").cast("Q"),
            )

        def encoded(share: Sequence[str]) -> list[bytes]:
            return [self._ids(text, specials).tobytes() for text in share]

        ids = array("I")
        offsets = array("Q", [0])
        threads = _threads(texts)
        size = max(1, len(texts) // (8 * threads))
        shares = [texts[start : start + size] for start in range(0, len(texts), size)]
        with ThreadPoolExecutor(threads) as pool:
            for share in map(encoded, shares) if threads == 1 else pool.map(encoded, shares):
                for content in share:
                    ids.frombytes(content)
                    offsets.append(len(ids))
        return TokenBatch(ids=memoryview(ids), offsets=memoryview(offsets))

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; bytes that are not UTF-8 become U+FFFD.

        Raises:
            ValueError: an id outside the vocabulary.
        """
        tokens = list(ids)
        try:
            return self._encoding.decode_bytes(tokens).decode("utf-8", "replace")
        except (KeyError, OverflowError):
            wrong = next(token for token in tokens if not 0 <= token < self.vocab_size)
            raise self._outside(wrong) from None

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes that one id stands for; a special token stands for its own name.

        Raises:
            ValueError: an id outside the vocabulary.
        """
        try:
            return self._encoding.decode_single_token_bytes(token_id)
        except (KeyError, OverflowError):
            raise self._outside(token_id) from None

    def save(self, directory: Path) -> None:
        """Write a tokenizer directory; one that already holds exactly this tokenizer is left alone.

        Raises:
            InputError: the directory exists and holds something else.
        """
        write_directory(directory, self._name, self._vocabulary, self._template)

    def _fast(self, texts: Sequence[str]) -> FastEncoder | None:
        if self._wanted == "auto" and self._seen < _CHARACTERS_FOR_FAST:
            self._seen += sum(map(len, texts))
            if self._seen < _CHARACTERS_FOR_FAST:
                return None
        return self.backend.encoder

    def _plain_ids(self, text: str) -> npt.NDArray[np.uint32]:
        return self._ids(text, False)

    def _outside(self, token_id: int) -> ValueError:
        return ValueError(
            f"id {token_id} is outside the vocabulary {self._name!r}, 0 to {self.vocab_size - 1}"
        )

    def _ids(self, text: str, specials: bool) -> npt.NDArray[np.uint32]:
        allowed = self._encoding.special_tokens_set if specials else frozenset[str]()
        try:
            return self._encoding.encode_to_numpy(
                text, allowed_special=allowed, disallowed_special=()
            )
        except UnicodeEncodeError as error:
            raise ValueError(
                f"text has a lone surrogate, U+{ord(text[error.start]):04X}, at character "
                f"{error.start}; it has no UTF-8 form: remove it first"
            ) from None
        except ValueError:
            parts = self._parts(text, specials)
            if len(parts) < 2:
                raise
            return np.concatenate([self._ids(*part) for part in parts])

    def _parts(self, text: str, specials: bool) -> list[tuple[str, bool]]:
        """Cut a text that tiktoken refuses at places where its pieces end in any case.

        Its regular expression engine gives up on a run of about a million whitespace characters
        before a word. All but the last of them are one piece, so the run can be encoded apart.
        """
        if self._vocabulary.pattern != GPT2_PATTERN:
            return [(text, specials)]
        names = self._vocabulary.specials
        if specials:
            either = "|".join(re.escape(name) for name in names)
            return [(part, part in names) for part in re.split(f"({either})", text) if part]
        parts: list[str] = []
        start = 0
        for run in _LONG_RUN.finditer(text):
            if run.end() < len(text):
                parts += text[start : run.start()], text[run.start() : run.end() - 1]
                start = run.end() - 1
        parts.append(text[start:])
        return [(part, False) for part in parts if part]


def _again(
    name: str,
    vocabulary: Vocabulary,
    backend: Literal["auto", "tiktoken", "fast"],
    template: ChatTemplate | None,
) -> TiktokenTokenizer:
    return TiktokenTokenizer(name, vocabulary, backend=backend, template=template)


def _threads(texts: Sequence[str]) -> int:
    if multiprocessing.parent_process() or sum(map(len, texts)) < _CHARACTERS_FOR_THREADS:
        return 1
    return min(_THREADS, os.cpu_count() or 1, len(texts))
