"""The nouns that travel between rooms: documents, segments, messages, requests and answers.

All are frozen, validated when made, and round-trip through JSON with `to_json` / `from_json`.
`Batch` alone is a tuple of arrays, because that is what `jax.jit` takes without being told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, TypeVar, cast

from xgen_core.codec import decode, encode

__all__ = [
    "Batch",
    "ChatTemplate",
    "Check",
    "Completion",
    "Document",
    "Example",
    "GenerationRequest",
    "Message",
    "ModelInfo",
    "Preference",
    "Record",
    "Role",
    "Scalar",
    "Score",
    "ScoreRequest",
    "Segment",
    "TokenBatch",
    "TokenLogprob",
]

Scalar = str | int | float | bool | None
Role = Literal["system", "user", "assistant", "tool"]
R = TypeVar("R", bound="Record")
A = TypeVar("A")


class Record:
    """Base of the JSON records; adds the round trip and nothing else."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        """The record as plain JSON values."""
        return cast("dict[str, Any]", encode(self))

    @classmethod
    def from_json(cls: type[R], value: object) -> R:
        """Build the record from plain JSON values.

        Raises:
            CodecError: naming the field that is unknown, missing or of another type.
        """
        return decode(cls, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Record):
    """One piece of text on its way to the token store.

    Attributes:
        id: unique inside its source (a path, a URL, a row number).
        text: the text itself, any Unicode without lone surrogates.
        source: the name of the mixture component it belongs to, such as `"stdlib-code"`.
        metadata: flat scalars under namespaced keys (`"language.code"`, `"dedup.copies"`); each
            processing step declares the keys that it writes.
    """

    id: str
    text: str
    source: str
    metadata: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])

    def __post_init__(self) -> None:
        if not self.id or not self.source:
            raise ValueError("Document needs a non-empty id and source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment(Record):
    """A stretch of text with one training status: the only noun between text and ids.

    A plain document is one trained segment, a prompt with its completion two, a chat many.

    Attributes:
        text: the text.
        trained: whether its tokens are targets of the loss.
        special: whether names of special tokens in it become their ids. Off for text by users.
    """

    text: str
    trained: bool
    special: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Record):
    """One turn of a conversation."""

    role: Role
    content: str
    trained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Example(Record):
    """One instruction-tuning example; the loss falls on messages with `trained` set."""

    id: str
    messages: tuple[Message, ...]
    task: str = ""
    metadata: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])

    def __post_init__(self) -> None:
        if not self.messages:
            raise ValueError(f"Example {self.id!r} has no messages")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference(Record):
    """One prompt with a preferred and a dispreferred answer, from a person or a judge."""

    id: str
    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    metadata: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTemplate(Record):
    """How a conversation becomes text.

    Each turn is rendered as `prefixes[role] + content + suffixes[role]`; a missing role is refused.
    Prefixes and suffixes may name special tokens, the content may not.

    Attributes:
        name: what the template is called, `"xgen"` say.
        header: text before the first turn.
        prefixes, suffixes: by role.
        generation_prompt: what follows the last turn when the model is to answer.
        stop: strings that end an answer.
    """

    name: str
    prefixes: Mapping[str, str]
    suffixes: Mapping[str, str]
    header: str = ""
    generation_prompt: str = ""
    stop: tuple[str, ...] = ()

    def render(self, messages: tuple[Message, ...], *, generate: bool = False) -> list[Segment]:
        """Turn messages into segments; an answer's suffix is trained with the answer.

        Spaces that end a prefix go into the content's segment. Byte-level BPE joins a space to the
        word after it, so "### Assistant:" is followed by " Yes", not by " " and "Yes": the same ids
        whether the turn was rendered or the model wrote it after the generation prompt.

        Args:
            messages: the turns, oldest first.
            generate: append `generation_prompt`, for a model to go on from.

        Raises:
            ValueError: a role that this template has no form for.
        """
        segments: list[Segment] = []
        if self.header:
            segments.append(Segment(text=self.header, trained=False, special=True))
        for message in messages:
            if message.role not in self.prefixes:
                raise ValueError(f"template {self.name!r} has no form for role {message.role!r}")
            suffix = self.suffixes.get(message.role, "")
            prefix = self.prefixes[message.role]
            marker = prefix.rstrip(" ")
            content = prefix[len(marker) :] + message.content
            segments.append(Segment(text=marker, trained=False, special=True))
            segments.append(Segment(text=content, trained=message.trained))
            segments.append(Segment(text=suffix, trained=message.trained, special=True))
        if generate:
            segments.append(Segment(text=self.generation_prompt, trained=False, special=True))
        return [s for s in segments if s.text]


class TokenBatch(NamedTuple):
    """Many encoded texts end to end, without a Python object per token.

    Attributes:
        ids: all ids, a memoryview of format `"I"` (uint32).
        offsets: where each text begins, and the end of the last: format `"Q"` (uint64), n + 1 long.
    """

    ids: memoryview
    offsets: memoryview


class Batch(NamedTuple, Generic[A]):
    """One training batch; every field is an int32 array of shape `[b, t]`.

    Attributes:
        inputs: ids that the model reads.
        targets: for each input the id that follows it in the stream.
        segment_ids: 1, 2, … for the documents of a row; 0 is padding. Attention stays inside one.
        positions: position inside the document, from 0.
        loss_mask: 1 where the target counts; 0 for padding, prompts, and where a document ends.
    """

    inputs: A
    targets: A
    segment_ids: A
    positions: A
    loss_mask: A


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo(Record):
    """What a model is.

    Attributes:
        identity: changes whenever the answers could: weights checksum, endpoint and model name.
        context_length: in tokens, or None where nobody says.
        tokenizer: fingerprint of its tokenizer, or None behind an endpoint.
        dtype: what it computes in, `"bfloat16"` say, or None where nobody says.
    """

    identity: str
    context_length: int | None = None
    tokenizer: str | None = None
    dtype: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest(Record):
    """A request for `n` continuations; sample `i` uses `seed + i`, so asking for more extends.

    Exactly one of `prompt` and `messages` is given. `temperature` 0 is greedy. `top_k` 0 and
    `top_p` 1 keep every token.

    Attributes:
        repetition_penalty: logits of ids that stand in the prompt or the answer so far are divided
            by this where positive and multiplied where negative (Keskar et al. 2019); 1 is off.
        logprobs: None for none, else how many alternatives to report beside each token's own.
    """

    prompt: str | None = None
    messages: tuple[Message, ...] = ()
    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    n: int = 1
    seed: int = 0
    stop: tuple[str, ...] = ()
    repetition_penalty: float = 1.0
    logprobs: int | None = None

    def __post_init__(self) -> None:
        if (self.prompt is None) == (not self.messages):
            raise ValueError("GenerationRequest takes exactly one of prompt and messages")
        if self.max_tokens < 1 or self.n < 1:
            raise ValueError("max_tokens and n must be at least 1")
        if self.temperature < 0:
            raise ValueError(f"temperature must not be negative, got {self.temperature}")
        if not 0 < self.top_p <= 1 or self.top_k < 0:
            raise ValueError("top_p lies in (0, 1] and top_k is 0 or more")
        if self.repetition_penalty <= 0:
            raise ValueError(f"repetition_penalty must be positive, got {self.repetition_penalty}")
        if self.logprobs is not None and self.logprobs < 0:
            raise ValueError(f"logprobs must not be negative, got {self.logprobs}")
        if any(not s for s in self.stop):
            raise ValueError("an empty stop string would stop every answer before it begins")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprob(Record):
    """How likely one token was, before temperature and filters.

    Attributes:
        id: of the token; -1 behind an endpoint, which names tokens by their text.
        text: of the token; `bytes:` and hexadecimal for one that is not whole characters.
        logprob: in nats.
        top: the likeliest tokens there, as many as asked for, by text.
    """

    id: int
    text: str
    logprob: float
    top: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion(Record):
    """One answer; `finish_reason` is `"stop"` at a stop string or end token, else `"length"`.

    `logprobs` has one entry for each of the `completion_tokens`, if the request asked for them.
    """

    text: str
    finish_reason: Literal["stop", "length"]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest(Record):
    """How likely is `continuation` after `context`?

    An empty context is a *rolling* request: the whole text is scored in windows of `window` tokens
    that advance by `stride`; every token is scored once, with as much left context as its window
    has. `window` None means the context length, `stride` None means `window` (disjoint windows).
    """

    context: str
    continuation: str
    window: int | None = None
    stride: int | None = None

    def __post_init__(self) -> None:
        if not self.continuation:
            raise ValueError("nothing to score: the continuation is empty")
        if self.window is not None and self.window < 2:
            raise ValueError(f"window must be at least 2 tokens, got {self.window}")
        if self.stride is not None and not 1 <= self.stride <= (self.window or self.stride):
            raise ValueError(f"stride must lie in 1..window, got {self.stride}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score(Record):
    """Natural-log probability and UTF-8 byte length of each continuation token, in order.

    Byte lengths sum to the continuation's bytes: where a first token begins in the context, only
    its bytes of the continuation count.

    Attributes:
        is_greedy: whether every token was the most likely one.
    """

    token_logprobs: tuple[float, ...]
    byte_lengths: tuple[int, ...]
    is_greedy: bool

    def __post_init__(self) -> None:
        if len(self.token_logprobs) != len(self.byte_lengths):
            raise ValueError("token_logprobs and byte_lengths differ in length")

    @property
    def logprob(self) -> float:
        """Sum over the tokens, in nats."""
        return sum(self.token_logprobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Record):
    """One finding of `xgen doctor`; packages contribute functions that return a list of these.

    Attributes:
        name: what was looked at.
        status: `"ok"`, `"warning"` (works, but know this) or `"failure"`.
        detail: what was seen, and what to do about it.
    """

    name: str
    status: Literal["ok", "warning", "failure"]
    detail: str
