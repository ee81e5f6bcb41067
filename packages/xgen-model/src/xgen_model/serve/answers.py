"""What a checked request becomes: ids that the model reads, then answers, whole or in chunks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar, runtime_checkable

from xgen_core.lm.wire import (
    BadRequest,
    PromptAnswer,
    Reply,
    WireRequest,
    choice_logprobs,
    token_text,
)
from xgen_core.protocols import Tokenizer
from xgen_core.records import (
    ChatTemplate,
    Completion,
    GenerationRequest,
    ModelInfo,
    TokenLogprob,
)

__all__ = ["Prompt", "ServedModel", "answer_prompts", "read_prompts", "stream_chunks"]

T = TypeVar("T")
OnText = Callable[[int, str], None]


@runtime_checkable
class ServedModel(Protocol):
    """A model that can be asked in ids, and says how likely they are; `LocalModel` is one."""

    @property
    def info(self) -> ModelInfo:
        """Identity and context length."""
        ...

    @property
    def tokenizer(self) -> Tokenizer:
        """Whose ids it reads."""
        ...

    @property
    def template(self) -> ChatTemplate | None:
        """How it wants conversations; None where it has no opinion, or cannot have any."""
        ...

    def prompt_ids(self, request: GenerationRequest) -> tuple[int, ...]:
        """Ids that it reads for a request.

        Raises:
            InputError: they do not fit in the context.
            CapabilityError: a conversation, and it cannot have any.
        """
        ...

    async def complete(
        self, ids: Sequence[int], request: GenerationRequest, on_text: OnText | None = None
    ) -> list[Completion]:
        """`request.n` continuations of ids; `on_text(sample, new text)` from any thread."""
        ...

    async def read(self, ids: Sequence[int], top: int = 0) -> list[TokenLogprob | None]:
        """How likely each id is after those before it; None for the first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One prompt as the model reads it.

    Attributes:
        ids: what is read.
        text: what an echo shows.
        hidden: how many of the first ids do not show in `text`.
    """

    ids: tuple[int, ...]
    text: str = ""
    hidden: int = 0


def read_prompts(model: ServedModel, request: WireRequest) -> list[Prompt]:
    """The ids of each prompt, or of the one conversation.

    Raises:
        BadRequest: ids outside the vocabulary, too many of them, or a role without a form.
        InputError: a text that does not fit in the context.
        CapabilityError: a conversation, and the model cannot have any.
    """
    if request.chat:
        _check_roles(model.template, request.generation)
        return [Prompt(ids=model.prompt_ids(request.generation))]
    prompts: list[Prompt] = []
    for given in request.prompts:
        if isinstance(given, str):
            ids = model.prompt_ids(request.for_prompt(given))
            # An empty prompt is read as the id that stands before a document.
            hidden = 0 if given and model.tokenizer.bos_id is None else min(len(ids), 1)
            prompts.append(Prompt(ids=ids, text=given, hidden=hidden))
        else:
            _check_ids(model, given, room=1 if request.generate else 0)
            prompts.append(Prompt(ids=given, text=model.tokenizer.decode(given)))
    return prompts


def _check_roles(template: ChatTemplate | None, request: GenerationRequest) -> None:
    for message in request.messages:
        if template is not None and message.role not in template.prefixes:
            known = ", ".join(template.prefixes)
            raise BadRequest(
                f"this model's chat template has no form for the role {message.role!r}; it has "
                f"{known}",
                param="messages",
            )


def _check_ids(model: ServedModel, ids: Sequence[int], *, room: int) -> None:
    size = model.tokenizer.vocab_size
    wrong = next((i for i in ids if not 0 <= i < size), None)
    if wrong is not None:
        raise BadRequest(
            f"the prompt has the id {wrong}; this model's ids are 0 to {size - 1}", param="prompt"
        )
    context = model.info.context_length
    if context is not None and len(ids) + room > context:
        raise BadRequest(
            f"a prompt of {len(ids)} tokens with {room} to come exceeds the context of {context}: "
            "shorten it",
            param="prompt",
            code="context_length_exceeded",
        )


async def answer_prompts(
    model: ServedModel,
    request: WireRequest,
    prompts: Sequence[Prompt],
    on_text: OnText | None = None,
) -> list[PromptAnswer]:
    """Answer all prompts at the same time.

    Args:
        model: who answers.
        request: how.
        prompts: its prompts, read.
        on_text: called with a choice's number and its new text, from any thread.
    """
    n = request.generation.n

    def hears(place: int, heard: OnText) -> OnText:
        return lambda sample, text: heard(place * n + sample, text)

    return await _together(
        [
            _answer(model, request, prompt, None if on_text is None else hears(place, on_text))
            for place, prompt in enumerate(prompts)
        ]
    )


async def _answer(
    model: ServedModel, request: WireRequest, prompt: Prompt, on_text: OnText | None
) -> PromptAnswer:
    alternatives = request.generation.logprobs
    scored = request.echo and alternatives is not None and bool(prompt.ids)

    async def made() -> list[Completion]:
        if not request.generate:
            return [Completion(text="", finish_reason="length")] * request.generation.n
        return await model.complete(prompt.ids, request.generation, on_text)

    async def read() -> list[TokenLogprob | None]:
        return await model.read(prompt.ids, alternatives or 0) if scored else []

    completions, entries = await asyncio.gather(made(), read())
    tokens: list[tuple[str, TokenLogprob | None]] = []
    if scored:
        names = [token_text(model.tokenizer.token_bytes(i)) for i in prompt.ids]
        tokens = list(zip(names, entries, strict=True))
        completions = await _together([_with_end(model, request, prompt, c) for c in completions])
    return PromptAnswer(
        completions=completions,
        prompt_tokens=len(prompt.ids),
        text=prompt.text if request.echo else "",
        tokens=tokens,
        hidden=prompt.hidden,
    )


async def _with_end(
    model: ServedModel, request: WireRequest, prompt: Prompt, completion: Completion
) -> Completion:
    """A completion whose log-probabilities include the end token that ended it.

    Who asks for an echo and one token more takes the last entry for that token's. If the model
    ended there, it would otherwise be the prompt's.
    """
    end = model.tokenizer.eos_id
    ids = [entry.id for entry in completion.logprobs]
    if completion.finish_reason != "stop" or request.generation.stop or ids[-1:] == [end]:
        return completion
    *_, last = await model.read([*prompt.ids, *ids, end], request.generation.logprobs or 0)
    if last is None:  # there was no prompt: nothing comes before the end
        return completion
    return replace(completion, logprobs=(*completion.logprobs, last))


async def stream_chunks(
    model: ServedModel, request: WireRequest, reply: Reply, prompts: Sequence[Prompt]
) -> AsyncGenerator[dict[str, Any]]:
    """An answer's chunks as they come about; close the generator to end the work.

    A choice's last chunk has its finish reason and all its log-probabilities.

    Raises:
        XgenError: the model refuses; before the first chunk if it refuses at once.
    """
    loop = asyncio.get_running_loop()
    news: asyncio.Queue[tuple[int, str] | None] = asyncio.Queue()

    def on_text(index: int, text: str) -> None:
        loop.call_soon_threadsafe(news.put_nowait, (index, text))

    work = asyncio.ensure_future(answer_prompts(model, request, prompts, on_text))
    work.add_done_callback(lambda _: news.put_nowait(None))
    sent: dict[int, str] = {}
    n = request.generation.n
    try:
        while (new := await news.get()) is not None:
            index, text = new
            first = index not in sent
            sent[index] = sent.get(index, "") + text
            echoed = prompts[index // n].text if first and request.echo else ""
            yield reply.chunk(index, echoed + text, first=first)
        answers = await work
    finally:
        await _cancelled(work)
    for place, answer in enumerate(answers):
        for sample, completion in enumerate(answer.completions):
            index = place * n + sample
            if not completion.text.startswith(sent.get(index, "")):
                raise RuntimeError(f"streamed {sent[index]!r}, but answered {completion.text!r}")
            first = index not in sent
            rest = completion.text.removeprefix(sent.get(index, ""))
            yield reply.chunk(
                index,
                (answer.text if first else "") + rest,
                first=first,
                finish_reason=completion.finish_reason,
                logprobs=choice_logprobs(request, answer, completion),
            )
    if request.include_usage:
        yield reply.usage_chunk(answers)


async def _together(works: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All results; the first failure, or being cancelled, ends the others before it is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await _cancelled(*tasks)


async def _cancelled(*tasks: asyncio.Future[Any]) -> None:
    """End what is still going on."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
