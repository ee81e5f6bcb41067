"""How methods ask the model by stage, with what every prompt may show of a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from xgen_core import Completion
from xgen_reason.chain import Chain, write_steps
from xgen_reason.parsing import read_answer, read_continuation
from xgen_reason.question import Question, Table
from xgen_reason.tools import Tools

__all__ = ["ask", "conclude", "continue_steps", "question_fields"]

_ROWS = 10
"""Rows of a table that a prompt shows, its headings among them: as many as CoK's."""


def question_fields(question: Question) -> dict[str, str]:
    """What prompts of every stage may show: `question` with its options, and `table`."""
    table = _table_text(question.table) if question.table else ""
    return {"question": question.full, "table": table}


async def ask(
    tools: Tools,
    stage: str,
    fields: Mapping[str, str],
    *,
    called: str = "",
    more: str = "",
    step: int = 0,
    temperature: float = 0.0,
    n: int = 1,
    first: int = 0,
    logprobs: bool = False,
    stop: Sequence[str] = (),
) -> list[Completion]:
    """Ask with the prompt of a stage.

    Args:
        tools: with model and prompts.
        stage: of the prompt.
        fields: what is known.
        called: the stage in the trace, where it is another than the prompt's.
        more: what the prompt goes on with after its last field.
        step: of the chain, from 1; 0 for the whole.
        temperature: 0 is greedy.
        n: how many samples.
        first: number of the first of them.
        logprobs: of the tokens, beside the text.
        stop: strings that end an answer beside the prompt's own.

    Raises:
        InputError: the prompts have no such stage.
        ModelError: the model failed.
        CapabilityError: the model gives no log-probabilities.
    """
    prompt = tools.prompts.prompt(stage)
    text = tools.prompts.render(stage, fields)
    if more:
        text += more if text[-1:].isspace() else f" {more}"
    return await tools.asker.ask(
        called or stage,
        text,
        max_tokens=prompt.max_tokens,
        temperature=temperature,
        n=n,
        first=first,
        stop=(*stop, *prompt.stop),
        logprobs=0 if logprobs else None,
        step=step,
    )


async def conclude(
    tools: Tools, question: Question, steps: tuple[str, ...], *, logprobs: bool = False
) -> Chain:
    """The chain of these steps with the answer that the model draws from them, greedily."""
    fields = {**question_fields(question), "rationale": write_steps(steps)}
    made = await ask(tools, "thought", fields, called="conclude", logprobs=logprobs)
    return replace(read_answer(made[0], question), steps=steps)


async def continue_steps(
    tools: Tools, question: Question, steps: tuple[str, ...]
) -> tuple[str, ...]:
    """The steps that the model lets follow these, greedily; the question stands in full."""
    made = await ask(
        tools,
        "thought",
        question_fields(question),
        called="continue",
        more=write_steps((*steps, "")).rstrip(),
        step=len(steps) + 1,
    )
    return read_continuation(made[0].text, len(steps))


def _table_text(table: Table) -> str:
    lines = [" | ".join(table.columns), *(" | ".join(row) for row in table.rows[: _ROWS - 1])]
    return "\n".join([table.title, *lines] if table.title else lines)
