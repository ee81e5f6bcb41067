import asyncio
import dataclasses
import json

import pytest

from xgen_core import GenerationRequest, InputError, ModelError, ModelInfo, open_model
from xgen_core.lm.scripted import Rule, ScriptedModel
from xgen_eval.judges.given import GivenAnswers
from xgen_eval.judges.questions import answer_lines, read_answers
from xgen_eval.tasks.mt_bench import MtBench
from xgen_eval.tasks.mt_bench_pairs import MtBenchPairs

QUESTIONS = [
    {"question_id": 1, "category": "writing", "turns": ["Write a line.", "Shorter."]},
    {"question_id": 2, "category": "math", "turns": ["What is 2+2?", "And doubled?"]},
]
REFERENCES = [{"question_id": 2, "choices": [{"index": 0, "turns": ["4", "8"]}]}]
ANSWERS = [
    {"question_id": 1, "model_id": "m", "choices": [{"index": 0, "turns": ["a rose", "rose"]}]},
    {"question_id": 2, "model_id": "m", "choices": [{"index": 0, "turns": ["5", "ten"]}]},
]


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def task(tmp_path):
    """MT-Bench on two questions, with a judge that answers by rule."""

    def make(rules, kind=MtBench, **settings):
        given = {
            "questions": lines(tmp_path / "questions.jsonl", QUESTIONS),
            "references": lines(tmp_path / "references.jsonl", REFERENCES),
            "judge": f"scripted:{lines(tmp_path / 'judge.jsonl', rules)}",
        }
        return kind(**given | settings)

    return make


@pytest.fixture
def answers(tmp_path):
    return GivenAnswers(lines(tmp_path / "answers.jsonl", ANSWERS))


RATED = [
    {"pattern": "Reference answer:\n8.*Assistant A:\nten", "replies": ["Wrong. [[2]]"]},
    {"pattern": "Reference Answer.\n4.*Answer.\n5", "replies": ["No rating from me."]},
    {"pattern": "Shorter.*Assistant A:\nrose", "replies": ["Short. [[9]]"]},
    {"pattern": r"\[Question\]\nWrite a line", "replies": ["[[1]]? No: [[7.5]]"]},
]


def test_the_score_is_the_mean_over_all_judged_turns(task, answers, run_task, tmp_path):
    record, rows = run_task(answers, task(RATED, answers=answers.path), tmp_path / "run")
    metrics = record.metrics
    # rated are 7.5, 9 and 2; the first turn of math has no rating and is out of the mean
    assert metrics["score"].value == pytest.approx(18.5 / 3)
    assert metrics["score"].unit == "of 10"
    assert metrics["score/turn_1"].value == 7.5
    assert metrics["score/turn_2"].value == pytest.approx(5.5)
    assert metrics["score/writing"].value == pytest.approx(8.25)
    assert metrics["score/math"].value == 2
    assert metrics["unparsed"].value == 0.25
    # clusters are questions: sums of residuals 16.5 - 2·37/6 and 2 - 37/6
    assert metrics["score"].n == 2
    assert metrics["score"].stderr == pytest.approx((2 * (25 / 6) ** 2 * 2) ** 0.5 / 3)
    assert record.variant == "single-own-prompts-last-v1"
    unrated = rows[2]
    assert unrated["id"] == "2/1"
    assert "score" not in unrated
    assert unrated["judgment"] == "No rating from me."
    assert unrated["judge"].startswith("scripted:")
    assert rows[0]["attr.category"] == "writing"


def test_fastchat_takes_the_first_rating(task, answers, run_task, tmp_path):
    record, _ = run_task(answers, task(RATED, answers=answers.path, compat=True), tmp_path / "run")
    assert record.metrics["score/turn_1"].value == 1
    assert record.variant == "single-own-prompts-first-v1"


def test_a_judge_of_nonsense_leaves_no_score_but_a_count(task, answers, run_task, tmp_path):
    record, rows = run_task(
        answers, task([{"pattern": "", "replies": ["?"]}], answers=answers.path), tmp_path / "run"
    )
    assert record.metrics["unparsed"].value == 1
    assert "score" not in record.metrics
    assert len(rows) == 4


def test_repeats_give_median_range_and_agreement(task, answers, run_task, tmp_path):
    rules = [
        {"pattern": "Write a line", "replies": ["[[8]]", "[[6]]", "none"]},
        {"pattern": "", "replies": ["[[2]]", "[[3]]", "[[1]]"]},
    ]
    record, rows = run_task(answers, task(rules, answers=answers.path, repeats=3), tmp_path / "run")
    # rounds: (8 8 2 2), (6 6 3 3), (- - 1 1)
    metrics = record.metrics
    assert metrics["score"].value == pytest.approx((7 + 7 + 2 + 2) / 4)
    assert metrics["score@round_1"].value == 5
    assert metrics["score@round_2"].value == 4.5
    assert metrics["score@round_3"].value == 1
    assert metrics["score_median"].value == 4.5
    assert metrics["score_range"].value == 4
    assert metrics["unparsed"].value == pytest.approx(1 / 6)
    # rounds 1 and 2: squared distance 2.5 against 11.5 by chance; 1 and 3: constant and apart;
    # 2 and 3 likewise: their kappa is 0
    assert metrics["kappa"].value == pytest.approx((1 - 2.5 / 11.5) / 3)
    assert [rows[0][f"judgment_{i}"] for i in (1, 2, 3)] == ["[[8]]", "[[6]]", "none"]


class Recorder(ScriptedModel):
    """Keeps what it was asked."""

    def __init__(self, rules):
        super().__init__(rules)
        self.asked = []

    @property
    def info(self):
        return ModelInfo(identity="recorder")

    async def generate(self, request):
        self.asked.append(request)
        return await super().generate(request)


def test_a_model_is_asked_turn_by_turn(task, run_task, tmp_path):
    model = Recorder([Rule(pattern="", replies=(" Assistant: yes ",))])
    _, rows = run_task(model, task([{"pattern": "", "replies": ["[[5]]"]}]), tmp_path / "r")
    assert [[m.role for m in r.messages] for r in model.asked] == [
        ["user"],
        ["user"],
        ["user", "assistant", "user"],
        ["user", "assistant", "user"],
    ]
    assert [r.temperature for r in model.asked] == [0.7, 0, 0.7, 0]
    assert {r.max_tokens for r in model.asked} == {1024}
    assert rows[0]["answer"] == "Assistant: yes"  # kept: not XGen's template
    assert model.asked[2].messages[1].content == "Assistant: yes"
    written = list(answer_lines("recorder", rows))
    path = lines(tmp_path / "written.jsonl", written)
    assert read_answers(path)[2] == ("Assistant: yes", "Assistant: yes")
    rules = [{"pattern": "Assistant: yes.*Assistant: yes", "replies": ["[[4]]"]}]
    rules += [{"pattern": "Assistant: yes", "replies": ["[[8]]"]}]
    again, _ = run_task(GivenAnswers(path), task(rules, answers=path), tmp_path / "again")
    assert again.metrics["score"].value == 6


def test_xgen_is_prompted_as_fastchat_prompts_it(task, run_task, tmp_path):
    model = Recorder([Rule(pattern="", replies=(" Assistant: yes ",))])
    rules = [{"pattern": "", "replies": ["[[5]]"]}]
    made = task(rules, prompting="xgen")
    record, rows = run_task(model, made, tmp_path / "run", limit=1)
    assert record.variant == "single-own-prompts-last-xgen-template-v1"
    system = (
        "A chat between a curious human and an artificial intelligence assistant. "
        "The assistant gives helpful, detailed, and polite answers to the human's questions.\n\n"
    )
    turn = f"{system}\n### Human: Write a line.\n### Assistant:"
    assert [r.prompt for r in model.asked] == [
        turn,
        f"{turn} yes\n### Human: Shorter.\n### Assistant:",
    ]
    assert rows[0]["answer"] == "yes"
    assert model.asked[0].stop == ("<|endoftext|>",)


def test_answers_that_fail_are_left_out_and_counted(task, run_task, tmp_path):
    model = ScriptedModel([Rule(pattern="Write", replies=("a rose",))])
    judge = task([{"pattern": "", "replies": ["[[6]]"]}])
    record, rows = run_task(model, judge, tmp_path / "run", allow_failures=1)
    assert record.metrics["score"].value == 6
    assert record.metrics["failed"].value == 0.5
    assert "no rule matches" in rows[2]["error"]
    assert "answer" not in rows[3]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"references": None}, "no reference answer to each turn of question 2 .math."),
        ({"judge": ""}, "mt_bench needs a judge"),
        ({"questions": None}, "mt_bench reads questions"),
    ],
)
def test_what_is_missing_is_named(task, answers, run_task, tmp_path, settings, message):
    with pytest.raises(InputError, match=message):
        run_task(answers, task(RATED, answers=answers.path, **settings), tmp_path / "run")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ANSWERS[:1], "0 answers to question 2, which has 2 turns"),
        ([*ANSWERS, ANSWERS[0]], "two answers to question 1"),
        ([{"question_id": 1}], "answers.jsonl:1: an answer lacks the field 'choices'"),
        ([{"question_id": 1, "choices": []}], "choices: there are none"),
        ([], "no answers in it"),
        ([ANSWERS[0], {**ANSWERS[1], "model_id": "n"}], "several models: m, n"),
    ],
)
def test_answers_are_checked(task, run_task, tmp_path, rows, message):
    path = lines(tmp_path / "answers.jsonl", rows)
    with pytest.raises(InputError, match=message):
        run_task(GivenAnswers(path), task(RATED, answers=path), tmp_path / "r")


def test_prompts_of_a_file_are_used_and_checked(task, answers, run_task, tmp_path):
    names = [
        f"{n}{m}"
        for n in ("single-v1", "single-math-v1", "pair-v2", "pair-math-v1")
        for m in ("", "-multi-turn")
    ]
    prompts = [
        {"name": n, "type": "x", "system_prompt": "S", "prompt_template": place(n)} for n in names
    ]
    path = lines(tmp_path / "prompts.jsonl", prompts)
    rules = [
        {"pattern": "^S\nJudge this: Write a line. a rose$", "replies": ["[[3]]"]},
        {"pattern": "", "replies": ["[[4]]"]},
    ]
    record, rows = run_task(
        answers, task(rules, answers=answers.path, prompts=path), tmp_path / "run"
    )
    assert record.variant == "single-given-prompts-last-v1"
    assert rows[0]["score"] == 3
    assert rows[3]["prompt"] == "single-math-v1-multi-turn"
    lines(path, [{**prompts[0], "prompt_template": "{question}"}, *prompts[1:]])
    with pytest.raises(
        InputError, match="'single-v1' has the places question; expected answer, qu"
    ):
        run_task(answers, task(rules, answers=answers.path, prompts=path), tmp_path / "run2")
    lines(path, prompts[1:])
    with pytest.raises(InputError, match="the prompt 'single-v1' is missing"):
        run_task(answers, task(rules, answers=answers.path, prompts=path), tmp_path / "run3")


def place(name):
    turns = ("",) if "multi" not in name else ("_1", "_2")
    answers = ("answer",) if "single" in name else ("answer_a", "answer_b")
    places = " ".join(f"{{{noun}{t}}}" for t in turns for noun in ("question", *answers))
    references = " ".join(f"{{ref_answer_{i}}}" for i in range(1, len(turns) + 1))
    return f"Judge this: {places}" + (f" {references}" if "math" in name else "")


def test_given_answers_write_nothing(answers):
    with pytest.raises(ModelError, match="holds answers"):
        asyncio.run(answers.generate(GenerationRequest(prompt="x")))
    assert answers.info.identity.startswith("answers.jsonl:")


def test_pairs_are_judged_in_both_orders(task, answers, run_task, tmp_path):
    others = [
        {"question_id": 1, "choices": [{"index": 0, "turns": ["a stone", "stone"]}]},
        {"question_id": 2, "choices": [{"index": 0, "turns": ["4", "8"]}]},
    ]
    baseline = lines(tmp_path / "baseline.jsonl", others)
    rules = [
        # writing, turn 1: ours; turn 2: whoever is A. Math, turn 1: the baseline; turn 2: a tie
        {"pattern": "Assistant A:\nrose|Assistant A:\nstone", "replies": ["[[A]]"]},
        {"pattern": "Assistant A's Answer.\na rose", "replies": ["[[A]]"]},
        {"pattern": "Assistant B's Answer.\na rose", "replies": ["[[B]]"]},
        {"pattern": "Reference Answer.\n4.*Assistant A's Answer.\n5", "replies": ["[[B]]"]},
        {"pattern": "Reference Answer.\n4.*Assistant B's Answer.\n5", "replies": ["[[A]]"]},
        {"pattern": "Reference answer:\n8", "replies": ["[[C]]"]},
    ]
    made = task(rules, MtBenchPairs, answers=answers.path, baseline=baseline)
    record, rows = run_task(answers, made, tmp_path / "run")
    assert [r["verdict"] for r in rows] == ["win", "tie", "loss", "tie"]
    metrics = record.metrics
    assert metrics["win_rate"].value == 0.25
    assert metrics["loss_rate"].value == 0.25
    assert metrics["tie_rate"].value == 0.5
    assert metrics["win_rate_adjusted"].value == 0.5
    assert metrics["win_rate_adjusted/writing"].value == 0.75
    assert metrics["win_rate_adjusted/turn_1"].value == 0.5
    assert metrics["consistent"].value == 0.75
    assert metrics["prefers_first"].value == pytest.approx(4 / 6)
    assert rows[0]["judgment_as_A"] == "[[A]]"
    with pytest.raises(InputError, match="compares with a baseline's answers"):
        run_task(answers, task(rules, MtBenchPairs, answers=answers.path), tmp_path / "run2")


def test_judging_again_asks_nobody_again(task, run_task, tmp_path):
    """The call store of the run holds the judge's answers beside the model's."""
    model = Recorder([Rule(pattern="", replies=("yes",))])
    judged = task([{"pattern": "", "replies": ["[[5]]"]}])
    first, _ = run_task(model, judged, tmp_path / "run")
    assert len(model.asked) == 4
    store = f"replay:{tmp_path / 'run' / 'calls.sqlite'}"
    [judge] = {json.loads(line)["judge"] for line in items(tmp_path / "run")}
    replayed = dataclasses.replace(judged, judge=f"{store}#{judge}")
    again, _ = run_task(open_model(f"{store}#recorder"), replayed, tmp_path / "again")
    assert again.metrics == first.metrics
    # other reading of the same judgments: the task runs again, and its requests are known
    run_task(model, dataclasses.replace(judged, compat=True), tmp_path / "run")
    assert len(model.asked) == 4


def items(run):
    return (run / "items" / "mt_bench.jsonl").read_text("utf-8").splitlines()
