import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgen_core import ChatTemplate, InputError
from xgen_data.instruction import PROMPTS, Pool, PromptTemplate, render_rows, split_examples

ASK = PromptTemplate(
    name="ask",
    task="mood",
    text="Is “{text}” {options}?",
    label="label",
    verbaliser={"0": "sad", "1": "glad"},
    type="classification",
)
PREFIX = PromptTemplate(
    name="prefix",
    task="mood",
    text="mood: {text} answer:",
    label="label",
    mode="prefix",
    separator="\n",
)
ROWS = [{"id": i, "text": f"text {i}", "label": i % 2} for i in range(20)]
RAW = ChatTemplate(name="raw", prefixes={"user": "", "assistant": ""}, suffixes={})


def text(example):
    return "".join(s.text for s in RAW.render(example.messages))


def test_instruction_mode():
    example = ASK.render(ROWS[1])
    assert example.task == "mood"
    assert [(m.role, m.content, m.trained) for m in example.messages] == [
        ("user", "Is “text 1” sad, glad?", False),
        ("assistant", "glad", True),
    ]
    assert example.metadata["task.type"] == "classification"
    assert example.metadata["template.label"] == "1"
    assert example.metadata["instruction.id"] == "1"


def test_prefix_mode_reads_as_one_text():
    assert text(PREFIX.render(ROWS[3])) == "mood: text 3 answer: 1"
    shots = PREFIX.render(ROWS[3], ROWS[:2])
    assert text(shots) == "mood: text 0 answer: 0\nmood: text 1 answer: 1\nmood: text 3 answer: 1"
    assert shots.metadata["template.shots"] == 2


def test_exemplars_in_instruction_mode():
    example = ASK.render(ROWS[2], [ROWS[1]])
    assert example.messages[0].content == "Is “text 1” sad, glad?\nglad\n\nIs “text 2” sad, glad?"
    assert [m.trained for m in example.messages] == [False, True]


def test_braces_are_literal_and_values_are_not_read_again():
    template = PromptTemplate(name="n", task="t", text="{{x}} {text}", label="label")
    assert template.ask({"text": "{label} {0}"}) == "{x} {label} {0}"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "r", "label": 1}, "mood/ask: row 'r' has no field 'text'; it has id, label"),
        ({"id": "r", "text": "x"}, "row 'r' has no label under 'label'"),
        ({"id": "r", "text": "x", "label": 7}, "unknown label '7'.*Known: 0, 1"),
    ],
)
def test_rows_that_do_not_fit(row, message):
    with pytest.raises(InputError, match=message):
        ASK.render(row)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": "{text"}, "write {{ for a brace"),
        ({"text": "{text.upper}"}, "only plain names"),
        ({"text": "{text[0]}"}, "only plain names"),
        ({"text": "{text!r}"}, "only plain names"),
        ({"text": "{text:>9}"}, "only plain names"),
        ({"text": "{}"}, "only plain names"),
        ({"text": "no field"}, "no {field}"),
        ({"text": "{text} is {label}"}, "gives the label 'label' away"),
        ({"text": "{text} {options}"}, "no verbaliser"),
        ({"text": "{text}", "verbaliser": {"a": "x", "b": "x"}}, "two labels the same words"),
    ],
)
def test_templates_that_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        PromptTemplate(**({"name": "n", "task": "t", "label": "label"} | changes))


def test_a_row_is_never_its_own_exemplar():
    copies = [{"id": f"copy{i}", "text": "TEXT 4!", "label": 1} for i in range(50)]
    pool = Pool([*ROWS, *copies], ASK)
    for row in ROWS:
        drawn = pool.draw(row, 10)
        names = [r["text"].casefold().rstrip("!") for r in drawn]
        assert row["text"] not in names
        assert len(set(names)) == 10  # nor one exemplar twice
    with pytest.raises(InputError, match="among its own exemplars"):
        ASK.render(ROWS[4], [copies[0]])


def test_draws_depend_on_seed_and_row_alone():
    pool = Pool(ROWS, ASK)
    drawn = [pool.draw(row, 4, seed=1) for row in ROWS]
    assert [pool.draw(row, 4, seed=1) for row in reversed(ROWS)][::-1] == drawn
    assert [pool.draw(row, 4, seed=2) for row in ROWS] != drawn
    used = {r["id"] for rows in drawn for r in rows}
    assert len(used) > 15  # every row's exemplars are its own
    assert {rows[0]["label"] for rows in drawn} == {0, 1}


@given(st.integers(0, 9), st.integers(0, 50))
def test_balanced_exemplars(shots, seed):
    rows = [{"id": i, "text": f"t{i}", "label": int(i < 6)} for i in range(60)]
    drawn = Pool(rows, ASK).draw(rows[30], shots, seed=seed, balanced=True)
    counts = [sum(r["label"] == label for r in drawn) for label in (0, 1)]
    assert sum(counts) == shots
    assert abs(counts[0] - counts[1]) <= 1


def test_pool_too_small():
    with pytest.raises(InputError, match="20 exemplars are wanted but only 19 other rows"):
        Pool(ROWS, ASK).draw(ROWS[0], 20)
    with pytest.raises(InputError, match="of label '0' are wanted but only 1"):
        Pool(ROWS[:3], ASK).draw(ROWS[0], 4, balanced=True)


def test_render_rows_takes_one_template_or_all():
    one = list(render_rows(ROWS, [ASK, PREFIX]))
    assert len(one) == 20
    assert {e.metadata["template.name"] for e in one} == {"ask", "prefix"}
    every = list(render_rows(ROWS, [ASK, PREFIX], every=True, pool=ROWS, shots=2))
    assert len({e.id for e in every}) == 40
    with pytest.raises(ValueError, match="one task"):
        list(render_rows(ROWS, [ASK, PROMPTS["nli"][0]]))


def test_all_renderings_of_a_row_stay_on_one_side():
    examples = list(render_rows(ROWS, [ASK, PREFIX], every=True))
    split = split_examples(examples, fraction=0.3, threshold=None)
    sides = {}
    for example, side in zip(examples, split.sides, strict=True):
        sides.setdefault(example.metadata["instruction.id"], set()).add(side)
    assert all(len(found) == 1 for found in sides.values())
    assert {"train", "validation"} == set(split.sides)


def test_ready_prompts_render():
    for task, templates in PROMPTS.items():
        assert len(templates) >= 3
        assert {t.mode for t in templates} == {"instruction", "prefix"}
        assert len({t.name for t in templates}) == len(templates)
        names = {n for t in templates for n in t.fields} - {"options"}
        for template in templates:
            assert template.task == task
            for label in template.verbaliser or ["as it stands"]:
                row = {**{name: f"<{name}>" for name in names}, template.label: label}
                example = template.render(row)
                for name in template.fields:
                    assert name == "options" or f"<{name}>" in example.messages[0].content
