"""Prompts: what is shown of a layout, and sets that come from files."""

import pytest

from xgen_core import InputError
from xgen_reason import Prompt, PromptSet, load_prompts
from xgen_reason.prompts.prompt_set import prompt_sets

PROMPT = Prompt(
    layout="Q: {question}\nA: {rationale} The answer is {answer}.",
    shots=({"question": "1+1?", "rationale": "First, {x}.", "answer": "2"},),
    instruction="Add.",
)


def test_a_prompt_ends_before_the_first_field_that_is_not_given():
    assert PROMPT.render({"question": "2+2?"}) == (
        "Add.\n\nQ: 1+1?\nA: First, {x}. The answer is 2.\n\nQ: 2+2?\nA:"
    )
    assert PROMPT.render({"question": "2+2?", "rationale": "R."}, shots=0) == (
        "Add.\n\nQ: 2+2?\nA: R. The answer is"
    )


def test_braces_in_values_are_text():
    assert PROMPT.render({"question": "{answer}"}, shots=0).endswith("Q: {answer}\nA:")


def test_what_cannot_be_rendered_is_said():
    with pytest.raises(ValueError, match="nothing to answer"):
        PROMPT.render({"question": "q", "rationale": "r", "answer": "a"})
    with pytest.raises(ValueError, match="2 examples are asked for; there are 1"):
        PROMPT.render({"question": "q"}, shots=2)
    with pytest.raises(ValueError, match="example 1 lacks answer"):
        Prompt(layout="{question} {answer}", shots=({"question": "q"},))


@pytest.mark.parametrize("name", prompt_sets())
def test_every_set_of_ours_can_be_read(name):
    assert load_prompts(name, shots=1).prompts


def test_a_set_of_ones_own_falls_back_on_the_general_one(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[standard]\nlayout = "{question} -> {answer}"\n')
    own = load_prompts(path, shots=0)
    assert own.name == "mine"
    assert own.render("standard", {"question": "a"}) == "a ->"
    assert own.prompt("thought") == load_prompts("general").prompt("thought")


def test_sets_that_cannot_be_read_are_said(tmp_path):
    with pytest.raises(InputError, match="unknown set of prompts 'generel'; did you mean"):
        load_prompts("generel")
    path = tmp_path / "mine.toml"
    path.write_text("[standard]\nlayoud = 1\n")
    with pytest.raises(InputError, match=r"mine.toml: not a set of prompts: .*layoud"):
        load_prompts(path)
    with pytest.raises(InputError, match="9 examples are asked for, and standard has 1"):
        PromptSet(name="x", shots=9, prompts={"standard": PROMPT}).render(
            "standard", {"question": "q"}
        )
