"""What an AlpacaEval judge reads: alpaca_eval's two prompts, or a template in its form.

A template is text in ChatML with the places `{instruction}`, `{output_1}` and `{output_2}`, as in
alpaca_eval's `evaluators_configs`. The two here are `alpaca_eval_gpt4` (version 1) and
`weighted_alpaca_eval_gpt4_turbo` (version 2), word for word: another wording is another benchmark.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

from xgen_core import InputError, Message
from xgen_core.recipe import fingerprint
from xgen_core.records import Role

__all__ = ["ComparisonPrompt", "is_switched", "read_comparison_prompt"]

_ROLES: tuple[Role, ...] = ("system", "user", "assistant")
_PLACES = ("instruction", "output_1", "output_2")
_PLACE = re.compile(r"\{(" + "|".join(_PLACES) + r")\}")
_TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>", re.DOTALL)

_RANKING = """\
<|im_start|>system
You are a helpful assistant, that ranks models by the quality of their answers.
<|im_end|>
<|im_start|>user
I want you to create a leaderboard of different of large-language models. To do so, I will give \
you the instructions (prompts) given to the models, and the responses of two models. Please rank \
the models based on which responses would be preferred by humans. All inputs and outputs should \
be python dictionaries.

Here is the prompt:
{
    "instruction": \"\"\"{instruction}\"\"\",
}

Here are the outputs of the models:
[
    {
        "model": "model_1",
        "answer": \"\"\"{output_1}\"\"\"
    },
    {
        "model": "model_2",
        "answer": \"\"\"{output_2}\"\"\"
    }
]

Now please rank the models by the quality of their answers, so that the model with rank 1 has the \
best output. Then return a list of the model names and ranks, i.e., produce the following output:
[
    {'model': <model-name>, 'rank': <model-rank>},
    {'model': <model-name>, 'rank': <model-rank>}
]

Your response must be a valid Python dictionary and should contain nothing else because we will \
directly execute it in Python. Please provide the ranking that the majority of humans would give.
<|im_end|>"""

_LETTER = """\
<|im_start|>system
You are a highly efficient assistant, who evaluates and selects the best large language model \
(LLMs) based on the quality of their responses to a given instruction. This process will be used \
to create a leaderboard reflecting the most accurate and human-preferred answers.
<|im_end|>
<|im_start|>user
I require a leaderboard for various large language models. I'll provide you with prompts given to \
these models and their corresponding outputs. Your task is to assess these responses, and select \
the model that produces the best output from a human perspective.

## Instruction

{
    "instruction": \"\"\"{instruction}\"\"\",
}

## Model Outputs

Here are the unordered outputs from the models. Each output is associated with a specific model, \
identified by a unique model identifier.

{
    {
        "model_identifier": "m",
        "output": \"\"\"{output_1}\"\"\"
    },
    {
        "model_identifier": "M",
        "output": \"\"\"{output_2}\"\"\"
    }
}

## Task

Evaluate the models based on the quality and relevance of their outputs, and select the model that \
generated the best output. Answer by providing the model identifier of the best model. We will use \
your output as the name of the best model, so make sure your output only contains one of the \
following model identifiers and nothing else (no quotes, no spaces, no new lines, ...): m or M.

## Best Model Identifier
<|im_end|>"""


class ComparisonPrompt:
    """A template that shows a judge an instruction and two outputs.

    Args:
        text: of the template.
        where: it comes from, for messages.

    Raises:
        InputError: it is not ChatML, or one of the places is missing.
    """

    def __init__(self, text: str, where: str) -> None:
        turns: list[tuple[str, str]] = _TURN.findall(text)
        if not turns or _TURN.sub("", text).strip():
            raise InputError(
                f"{where}: expected turns between <|im_start|>ROLE and <|im_end|> and nothing else"
            )
        missing = [place for place in _PLACES if f"{{{place}}}" not in text]
        if missing:
            raise InputError(f"{where}: the place {{{missing[0]}}} is missing")
        self._turns: list[tuple[Role, str]] = [
            (_role(role, where), content.strip()) for role, content in turns
        ]
        self.fingerprint = fingerprint(self._turns)[:16]

    def render(self, instruction: str, output_1: str, output_2: str) -> tuple[Message, ...]:
        """The messages to the judge; text of the outputs is never read as a place or a turn."""
        values: dict[str, str] = dict(zip(_PLACES, (instruction, output_1, output_2), strict=True))
        return tuple(
            Message(role=role, content=_PLACE.sub(lambda m: values[m[1]], content))
            for role, content in self._turns
        )


def read_comparison_prompt(path: Path | None, version: int) -> ComparisonPrompt:
    """The template of a file, or that of AlpacaEval 1 or 2.

    Raises:
        InputError: no such file, or no template.
    """
    if path is None:
        name = f"the prompt of AlpacaEval {version}"
        return ComparisonPrompt(_RANKING if version == 1 else _LETTER, name)
    try:
        return ComparisonPrompt(path.read_text("utf-8"), f"{path}")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text: {error}") from error


def is_switched(instruction: str) -> bool:
    """Whether alpaca_eval shows the model's output first: its own draw, seeded by the text."""
    return random.Random(f"is_switched_outputs{instruction}123").choices([False, True])[0]


def _role(name: str, where: str) -> Role:
    for role in _ROLES:
        if role == name:
            return role
    raise InputError(f"{where}: a turn is by {', '.join(_ROLES)}, not by {name!r}")
