"""`xgen reason ask` and `run` as people use them."""

import json
import re
import sqlite3

import pytest
from click.testing import CliRunner

from xgen_core import (
    BudgetError,
    CapabilityError,
    FormatError,
    InputError,
    ModelError,
    RecipeError,
    Run,
)
from xgen_core.lm import CallStore
from xgen_core.report import read_sections
from xgen_reason import Chain, Result
from xgen_reason.cli import reason

YEARS = (1801, 1802, 1803, 1804, 1805)
RULES = [
    {
        "pattern": r"When was the bridge built\?\nA:$",
        "replies": [f" First, the bridge was built in {y}. The answer is {y}." for y in YEARS],
    },
    {"pattern": r"Verifying question:$", "replies": [" When was the bridge built?"]},
    {"pattern": r"(The bridge was built in \d+\.).*Answer:$", "replies": [r" \1"]},
    {
        "pattern": r"Sentence: When was the bridge built\?\nQuery:$",
        "replies": [" SELECT * FROM data"],
    },
    {"pattern": r"year = (\d+).*Answer:$", "replies": [r" The bridge was built in \1."]},
    {"pattern": r"built in (\d+)\. The answer is$", "replies": [r" \1."]},
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A directory with rules, notes, their index, a table and questions."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.jsonl").write_text("".join(json.dumps(r) + "\n" for r in RULES))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "bridge.txt").write_text("The bridge was built in 1950.")
    (tmp_path / "years.csv").write_text("year\n1960\n")
    question = {"id": "1", "text": "When was the bridge built?", "golds": ["1950"]}
    (tmp_path / "questions.jsonl").write_text(json.dumps(question) + "\n")
    assert run("index", "notes", "-o", "notes.db").exit_code == 0
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(reason, list(arguments))


def ask(*more, source="text:notes.db"):
    return run(
        "ask", "When was the bridge built?", "-m", "scripted:rules.jsonl", "-s", source, *more
    )


def solve(*more, source="text:notes.db"):
    return run(
        *("run", "questions", "questions.jsonl", "-m", "scripted:rules.jsonl"),
        *("-s", source, "-o", "run", *more),
    )


def test_a_question_is_answered_and_nothing_is_left_behind(here):
    before = sorted(path.name for path in here.iterdir())
    answered = ask()
    assert answered.exit_code == 0, answered.output
    assert answered.output.startswith("1950\n")
    assert "  [1] text · " in answered.output
    assert sorted(path.name for path in here.iterdir()) == before


def test_a_directory_keeps_the_calls_and_the_page(here):
    first = ask("-o", "run")
    with CallStore(here / "run" / "calls.sqlite", read_only=True) as store:
        calls = len(list(store.calls()))
    assert calls == 8
    again = ask("-o", "run", "--budget", "calls=0")
    assert (again.exit_code, again.output) == (0, first.output), "it asks nothing"
    sections = [section.title for _, section in read_sections(Run.open("run"))]
    assert sections == ["Results", "Calls", "Traces"]
    other = run("ask", "Why?", "-m", "scripted:rules.jsonl", "-s", "text:notes.db", "-o", "run")
    assert isinstance(other.exception, InputError)
    assert "question was 'When was the bridge built?', now 'Why?'" in str(other.exception)


def test_a_result_is_json_for_machines(here):
    result = json.loads(ask("--json").output)
    assert (result["answer"], result["route"]) == ("1950", "edited")
    results = json.loads(solve("--json").output)
    assert results["summary"]["metrics"]["em"]["value"] == 1.0
    assert results["failed"] == {}


def test_another_model_writes_the_queries_and_stands_in_the_trace(here):
    (here / "sql.jsonl").write_text(
        json.dumps({"pattern": r"Query:$", "replies": [" SELECT year FROM data"]}) + "\n"
    )
    result = json.loads(
        ask("--json", "--query-model", "sql=scripted:sql.jsonl", source="table:years.csv").output
    )
    (query,) = [call["texts"] for call in result["calls"] if call["stage"] == "sql"]
    assert query == [" SELECT year FROM data"]
    assert result["answer"] == "1960"


def test_a_source_goes_by_the_name_that_it_is_given(here):
    result = json.loads(ask("--json", source="notebook=text:notes.db").output)
    found = result["edits"][0]["found"][0]
    assert found["source"] == found["evidence"][0]["source"] == "notebook"


def test_figures_are_printed(here):
    printed = solve().output
    assert "verify-edit  1 questions" in printed
    assert re.search(r"^em +1\.0000 .* n = 1$", printed, re.MULTILINE)
    assert "routes: 1 edited" in printed
    assert "1 answers wrong → right, 0 right → wrong" in printed
    assert "run/results.json" in printed


def test_a_changed_index_is_another_source(here):
    assert solve().exit_code == 0
    (here / "notes" / "more.txt").write_text("The bridge was painted in 1970.")
    assert run("index", "notes", "-o", "notes.db").exit_code == 0
    refused = solve()
    assert isinstance(refused.exception, InputError)
    assert "run holds another run (solver.sources.0.fingerprint was" in str(refused.exception)


def test_changed_prompts_are_another_recipe(here):
    (here / "mine.toml").write_text(
        '[verify]\nlayout = "{sentence}\\nVerifying question: {query}"\n'
    )
    assert solve("--prompts", "mine.toml").exit_code == 0
    (here / "mine.toml").write_text(
        '[verify]\nlayout = "{sentence}\\nA verifying question: {query}"\n'
    )
    refused = solve("--prompts", "mine.toml")
    assert "solver.prompts.sha256 was" in str(refused.exception)


def test_an_index_of_another_version_is_refused_before_anything_is_asked(here):
    index = sqlite3.connect("notes.db")
    index.execute("PRAGMA user_version = 99")
    index.commit()
    index.close()
    refused = solve()
    assert isinstance(refused.exception, FormatError)
    assert "version" in str(refused.exception)
    assert not (here / "run").exists()


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        (("--method", "verify-edits"), RecipeError, "did you mean 'verify-edit'?"),
        (("--set", "evidence=1"), RecipeError, "unknown field of VerifyAndEdit 'evidence'"),
        (("--prompts", "generol"), InputError, "did you mean 'general'?"),
        (("--shots", "9"), InputError, "9 examples are asked for"),
        (("--domain", "factual=nots"), InputError, "unknown source 'nots'"),
        (("--max-cost", "0", "--prices", "1,1"), BudgetError, "the budget of 0.0000 is used up"),
        (("-m", "scripted:none.jsonl"), InputError, "none.jsonl: no such file"),
        (("--method", "cot-sc-calibrated"), CapabilityError, "is not fitted"),
    ],
)
def test_a_mistake_is_one_line(here, more, error, message):
    failed = ask(*more)
    assert isinstance(failed.exception, error)
    assert message in str(failed.exception)
    assert "\n" not in str(failed.exception)


def test_money_needs_prices(here):
    failed = ask("--max-cost", "1")
    assert failed.exit_code == 2
    assert "needs --prices" in failed.output


def test_a_run_whose_questions_all_fail_says_so(here):
    failed = solve("--seed", "1", "-m", "scripted:none.jsonl")
    assert isinstance(failed.exception, InputError)
    (here / "none.jsonl").write_text(json.dumps({"pattern": "never", "replies": ["x"]}) + "\n")
    failed = solve("-m", "scripted:none.jsonl")
    assert isinstance(failed.exception, ModelError)
    assert str(failed.exception).startswith("all 1 questions failed: no rule matches")


def test_results_of_another_release_are_said(here):
    assert solve().exit_code == 0
    path = here / "run" / "items" / "results.jsonl"
    path.write_text(path.read_text().replace('"route"', '"way"'))
    failed = solve()
    assert isinstance(failed.exception, FormatError)
    assert "results.jsonl: 1: not a result of this release" in str(failed.exception)
    path.unlink()
    assert solve("--budget", "calls=0").exit_code == 0


def test_calibration_takes_its_weights_from_a_run(here):
    questions, results = [], []
    for number, (answer, logprob) in enumerate([("yes", -0.1), ("no", -2.0), ("yes", -0.3)]):
        questions.append({"id": f"{number}", "text": "Is it?", "golds": ["yes"]})
        chain = Chain(steps=("It is.",), answer=answer, logprob=-1.0, answer_logprob=logprob)
        result = Result(id=f"{number}", method="cot-sc", answer=answer, route="direct", chain=chain)
        results.append(result.to_json())
    (here / "labelled.jsonl").write_text("".join(json.dumps(q) + "\n" for q in questions))
    (here / "fit" / "items").mkdir(parents=True)
    (here / "fit" / "items" / "results.jsonl").write_text(
        "".join(json.dumps(r) + "\n" for r in results)
    )
    done = run("calibrate", "questions", "labelled.jsonl", "fit")
    assert done.exit_code == 0, done.exception
    printed = done.output
    found = re.fullmatch(r"--method cot-sc-calibrated --set weights=(\S+),(\S+),(\S+)\n", printed)
    assert found
    assert float(found[2]) > 0, "right answers were likelier"
    other = run("calibrate", "questions", "questions.jsonl", "fit")
    assert "its question '0' is not in questions.jsonl" in str(other.exception)
