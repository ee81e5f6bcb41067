"""What goes wrong with one question is written down with its reason, and the run goes on."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from xgen_core import BudgetError, InputError, ModelError, RecipeError
from xgen_core.concurrency import Failure
from xgen_core.lm import Budget
from xgen_core.lm.scripted import Rule, ScriptedModel
from xgen_core.testing import Fault, LoopbackServer
from xgen_reason import Configuration, Evidence, Found, Question
from xgen_reason.knowledge import source as knowledge
from xgen_reason.runs import run_questions

QUESTIONS = [
    Question(id=name, text=f"When was {name} built?", golds=("1950",))
    for name in ("Alder", "Birch", "Cedar")
]


def chain(name, *years):
    return {
        "pattern": rf"Q: When was {name} built\?\nA:$",
        "replies": [f" First, {name} was built in {y}. The answer is {y}." for y in years],
    }


DISAGREE = (1801, 1802, 1803, 1804, 1805)
RULES = [
    {
        "pattern": r"Sentence: (\w+) was[^\n]*\nVerifying question:$",
        "replies": [r" When was \1 built?"],
    },
    {"pattern": r"<evidence>\n([^\n]*)\n</evidence>\n[^\n]*\nAnswer:$", "replies": [r" \1"]},
    {"pattern": r"built in (\d+)\.? The answer is$", "replies": [r" \1."]},
    {"pattern": r"The answer is$", "replies": [" unknown."]},
    *(chain(question.id, *DISAGREE) for question in QUESTIONS),
]


@dataclass(frozen=True, kw_only=True)
class Notes:
    """Finds a text for each question, or fails."""

    name: str
    texts: dict[str, str]
    failure: str = ""
    language = "text"
    summary = "notes"
    fingerprint = "1"

    async def search(self, query, question, *, limit):
        text = self.texts.get(question.id)
        pieces = (Evidence(text=text, source=self.name, locator="1"),) if text else ()
        return Found(source=self.name, query=query, evidence=pieces, failure=self.failure)


@pytest.fixture
def solve(tmp_path, monkeypatch):
    """Run the questions over fakes; returns the outcomes by id."""

    def run(sources=(), rules=(), model="", uris=(), settings=(), **more):
        known = {f"fake:{source.name}": source for source in sources}

        @asynccontextmanager
        async def opened(uri):
            yield known[uri]

        monkeypatch.setattr("xgen_reason.solver.open_source", opened)
        path = tmp_path / "rules.jsonl"
        path.write_text("".join(json.dumps(rule) + "\n" for rule in (*rules, *RULES)))
        configuration = Configuration(
            model=model or f"scripted:{path}",
            sources=tuple(uris or known),
            settings=tuple(settings),
        )
        finished = asyncio.run(
            run_questions(configuration, QUESTIONS, output=tmp_path / "run", **more)
        )
        return {one.question.id: one.result for one in finished.outcomes}

    run.directory = tmp_path / "run"
    return run


def summary(solve):
    return json.loads((solve.directory / "results.json").read_text())


ALL = Notes(name="notes", texts={q.id: f"{q.id} was built in 1950." for q in QUESTIONS})


def test_what_is_not_found_leaves_the_step_and_says_why(solve):
    found = solve([Notes(name="notes", texts={"Alder": "Alder was built in 1950."})])
    assert found["Alder"].answer == "1950"
    assert found["Birch"].edits[0].reason == "no evidence: nothing was found"
    assert not found["Birch"].edits[0].changed


def test_what_is_about_something_else_is_not_shown(solve):
    found = solve([Notes(name="notes", texts={"Alder": "Toads cross roads at night."})])
    assert found["Alder"].edits[0].reason == "no relevant evidence: 1 beside the point"


def test_a_source_that_fails_is_recorded_and_the_others_count(solve):
    down = Notes(name="web", texts={}, failure="no answer within 5 s")
    found = solve([down, ALL])
    assert [f.failure for f in found["Cedar"].edits[0].found] == ["no answer within 5 s", ""]
    assert {result.answer for result in found.values()} == {"1950"}


def test_pieces_that_contradict_each_other_are_said(solve):
    conflict = {"pattern": "1950[^\n]*\n[^\n]*1960", "replies": [" It was built in 1950."]}
    other = Notes(name="more", texts={"Birch": "Birch was built in 1960."})
    found = solve([ALL, other], rules=[conflict])
    assert "disagree" in found["Birch"].edits[0].reason
    assert not found["Alder"].edits[0].reason


@pytest.mark.parametrize("reply", [" Hm.", "", " {'steps': 3", " First, Second, Third,"])
def test_a_model_that_never_states_an_answer_abstains(solve, reply):
    found = solve([ALL], rules=[{"pattern": r"Birch built\?\nA:$", "replies": [reply]}])
    birch = found["Birch"]
    assert (birch.route, birch.answer, len(birch.samples)) == ("abstained", "", 10)
    assert any("state no answer" in note for note in birch.notes)
    assert found["Cedar"].answer == "1950"


def test_an_endpoint_that_limits_and_drops_is_asked_again(solve):
    rules = [Rule(pattern=r["pattern"], replies=tuple(r["replies"])) for r in RULES]
    faults = [Fault(kind=kind) for kind in ("rate_limit", "dropped", "server_error", "truncated")]
    with LoopbackServer(rules, faults=faults) as server:
        found = solve([ALL], model=f"{server.url}#loopback")
        assert server.count > sum(len(c.texts) for r in found.values() for c in r.calls)
    assert {result.answer for result in found.values()} == {"1950"}


def test_an_endpoint_that_refuses_one_question_fails_that_one(solve, capsys):
    rules = [Rule(pattern=r["pattern"], replies=tuple(r["replies"])) for r in RULES[:-2]]
    rules.append(Rule(pattern=RULES[-1]["pattern"], replies=tuple(RULES[-1]["replies"])))
    with LoopbackServer(rules) as server:
        found = solve([ALL], model=f"{server.url}#loopback")
    assert isinstance(found["Birch"], Failure)
    assert "no rule matches" in found["Birch"].reason
    assert "answered 400" in found["Birch"].reason
    assert found["Cedar"].answer == "1950"
    assert "1 failed: 1 RefusedError" in capsys.readouterr().err


def test_a_question_that_failed_is_tried_again_and_no_other(solve, capsys):
    class Moody(ScriptedModel):
        well = False

        async def generate(self, request):
            if "Birch" in (request.prompt or "") and not self.well:
                raise ModelError("not today")
            return await super().generate(request)

    rules = [Rule(pattern=r["pattern"], replies=tuple(r["replies"])) for r in RULES]
    model = Moody(rules)
    with LoopbackServer(model) as server:
        found = solve([ALL], model=f"{server.url}#loopback")
        assert isinstance(found["Birch"], Failure)
        assert summary(solve)["failed"] == {f"RefusedError: {found['Birch'].reason}": 1}
        assert summary(solve)["summary"]["missing"] == ["Birch"]
        model.well, count = True, server.count
        assert solve([ALL], model=f"{server.url}#loopback")["Birch"].answer == "1950"
        again = [r.body["prompt"] for r in server.requests if r.method == "POST"][count:]
    assert again
    assert all("Birch" in prompt for prompt in again)
    assert summary(solve)["failed"] == {}


def test_nothing_is_asked_when_there_is_nowhere_to_look(solve):
    with pytest.raises(InputError, match="verify-edit looks things up, and there is nowhere to"):
        solve()
    assert not solve.directory.exists()


def test_two_sources_of_one_name_want_names(solve):
    with pytest.raises(InputError, match="two sources are called 'notes': name one"):
        solve([ALL, replace(ALL, texts={})], uris=("fake:notes", "other=fake:notes", "fake:notes"))


def test_a_setting_that_does_not_exist_is_said(solve):
    with pytest.raises(RecipeError, match="unknown field of VerifyAndEdit 'evidence'"):
        solve([ALL], settings=["evidence=1"])


def test_a_budget_ends_the_run(solve):
    with pytest.raises(BudgetError, match="the budget of 3 calls is used up"):
        solve([ALL], budget=Budget(calls=3))


def test_fakes_are_sources():
    assert isinstance(ALL, knowledge.Source)
