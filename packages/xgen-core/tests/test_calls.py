"""The call store and the models that stand behind it."""

import asyncio
import errno
import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest

from xgen_core import (
    BudgetError,
    Completion,
    FormatError,
    GenerationRequest,
    InputError,
    ModelError,
    ScoreRequest,
    ScoringModel,
    open_model,
)
from xgen_core.lm import Budget, CallStore, Prices, planned, recorded
from xgen_core.lm.scripted import Rule, ScriptedModel
from xgen_core.testing import UnigramModel, check_model


class Counting(UnigramModel):
    """Notes what it is asked, and can be made to wait or fail."""

    def __init__(self):
        super().__init__()
        self.asked = []
        self.gate = None
        self.failures = []

    async def generate(self, request):
        self.asked.append(request)
        if self.gate is not None:
            await self.gate.wait()
        if self.failures:
            raise self.failures.pop()
        return await super().generate(request)

    async def score(self, requests):
        self.asked.extend(requests)
        return await super().score(requests)


def ask(store, model, *requests, budget=None):
    async def work():
        async with recorded(model, store, budget=budget) as asked:
            return [await asked.generate(request) for request in requests]

    return asyncio.run(work())


def score(store, model, requests):
    async def work():
        async with recorded(model, store) as asked:
            return list(await asked.score(requests))

    return asyncio.run(work())


def words(reply):
    return ScriptedModel([Rule(pattern=".", replies=(reply,))], identity=f"scripted:{ord(reply)}")


PROMPT = GenerationRequest(prompt="a question", max_tokens=5, temperature=1.0)
SCORES = [ScoreRequest(context="a", continuation=text) for text in ("b", "cé", "d e")]


def test_nothing_is_asked_twice_and_more_samples_extend(tmp_path):
    model = Counting()
    model._info = replace(model.info, tokenizer=None)  # as of an endpoint
    with CallStore(tmp_path / "calls.sqlite") as store:
        (five,) = ask(store, model, replace(PROMPT, n=5))
        assert model.asked == [replace(PROMPT, seed=i) for i in range(5)]
    with CallStore(tmp_path / "calls.sqlite") as store:
        (ten,) = ask(store, model, replace(PROMPT, n=10))
        assert ten[:5] == five
        assert [r.seed for r in model.asked] == list(range(10))
        assert ask(store, model, replace(PROMPT, n=2, seed=3)) == [ten[3:5]]
        assert len(model.asked) == 10
    assert asyncio.run(UnigramModel().generate(replace(PROMPT, n=10))) == ten


def test_a_model_on_this_machine_is_asked_for_what_is_new_at_once(tmp_path):
    model = Counting()
    with CallStore(tmp_path / "calls.sqlite") as store:
        for request in (replace(PROMPT, n=2, seed=1), replace(PROMPT, n=6)):
            (answers,) = ask(store, model, request)
            assert answers == asyncio.run(UnigramModel().generate(request))
    first, rest = replace(PROMPT, n=2, seed=1), replace(PROMPT, n=3, seed=3)
    assert model.asked == [first, rest, PROMPT]


def test_only_the_scores_that_are_missing_are_asked_for(tmp_path):
    model = Counting()
    with CallStore(tmp_path / "calls.sqlite") as store:
        first = score(store, model, SCORES[1:2])
        three = score(store, model, SCORES)
        assert three[1:2] == first
        assert model.asked == [SCORES[1], SCORES[0], SCORES[2]]
        assert score(store, model, SCORES[::-1] * 2) == three[::-1] * 2
        assert len(model.asked) == 3
    assert three == list(asyncio.run(UnigramModel().score(SCORES)))


def test_half_a_character_is_kept_as_it_is(tmp_path):
    request = replace(PROMPT, prompt="half \ud800")
    with CallStore(tmp_path / "calls.sqlite") as store:
        ask(store, words("\udc00"), request)
        assert ask(store, words("\udc00"), request)[0][0].text == "\udc00"
        store.export(tmp_path / "calls.jsonl")
    replayed = open_model(f"replay:{tmp_path / 'calls.jsonl'}")
    assert asyncio.run(replayed.generate(request))[0].text == "\udc00"


def test_numbers_that_are_equal_are_one_request(tmp_path):
    model = Counting()
    with CallStore(tmp_path / "calls.sqlite") as store:
        ask(store, model, replace(PROMPT, temperature=1), replace(PROMPT, temperature=1.0))
    assert len(model.asked) == 1


def test_equal_requests_at_the_same_time_are_one_call(tmp_path):
    model = Counting()

    async def work(store):
        model.gate = asyncio.Event()
        asked = recorded(model, store)
        tasks = [asyncio.create_task(asked.generate(PROMPT)) for _ in range(5)]
        await asyncio.sleep(0)
        tasks[0].cancel()  # who asked first goes away: another one takes the call over
        await asyncio.sleep(0.01)
        model.gate.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with CallStore(tmp_path / "calls.sqlite") as store:
        cancelled, *answers = asyncio.run(work(store))
    assert isinstance(cancelled, asyncio.CancelledError)
    assert len(model.asked) == 2
    assert all(a == answers[0] for a in answers)
    assert isinstance(answers[0][0], Completion)


def test_a_failure_is_told_to_all_who_wait_and_not_kept(tmp_path):
    model = Counting()

    async def work(store):
        model.gate = asyncio.Event()
        model.failures = [ModelError("busy")]
        asked = recorded(model, store)
        tasks = [asyncio.create_task(asked.generate(PROMPT)) for _ in range(3)]
        await asyncio.sleep(0)
        model.gate.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with CallStore(tmp_path / "calls.sqlite") as store:
        assert [str(e) for e in asyncio.run(work(store))] == ["busy"] * 3
        assert len(model.asked) == 1
        model.gate = None
        ask(store, model, PROMPT)
        assert len(model.asked) == 2


def test_a_recorded_model_keeps_the_contract_of_models(tmp_path):
    with CallStore(tmp_path / "calls.sqlite") as store:
        asyncio.run(check_model(lambda: recorded(UnigramModel(), store), scoring=True))
        assert not isinstance(recorded(words("x"), store), ScoringModel)
        assert isinstance(recorded(UnigramModel(), store), ScoringModel)


def test_models_do_not_share_answers(tmp_path):
    with CallStore(tmp_path / "calls.sqlite") as store:
        one, two = words("a"), words("b")
        assert ask(store, one, PROMPT)[0][0].text == "a"
        assert ask(store, two, PROMPT)[0][0].text == "b"


def test_the_export_is_replayed_and_does_not_depend_on_the_order(tmp_path):
    requests = [replace(PROMPT, prompt=text, n=2) for text in ("one", "two", "三")]
    for name, order in (("a", 1), ("b", -1)):
        with CallStore(tmp_path / f"{name}.sqlite") as store:
            ask(store, UnigramModel(), *requests[::order])
            score(store, UnigramModel(), SCORES[::order])
            assert store.export(tmp_path / f"{name}.jsonl") == 9
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert not list(tmp_path.glob("*-wal")) + list(tmp_path.glob("*-lock"))

    async def replay(name):
        model = open_model(f"replay:{tmp_path / name}", needs="score")
        assert model.info == replace(UnigramModel().info, context_length=None)
        with pytest.raises(ModelError, match=r"has no score of 'z' after 'a'"):
            await model.score([ScoreRequest(context="a", continuation="z")])
        return [await model.generate(r) for r in requests], list(await model.score(SCORES))

    assert asyncio.run(replay("a.sqlite")) == asyncio.run(replay("b.jsonl"))


def test_a_failure_among_many_ends_the_call_and_keeps_what_is_in_flight(tmp_path):
    model = Counting()
    model.failures = [ModelError("busy")]  # met by whichever comes first

    async def work(store):
        model.gate = asyncio.Event()
        asked = asyncio.create_task(
            recorded(model, store, concurrency=2).generate(replace(PROMPT, n=8))
        )
        await asyncio.sleep(0.01)
        model.gate.set()
        with pytest.raises(ModelError, match="busy"):
            await asked

    model._info = replace(model.info, tokenizer=None)  # as of an endpoint
    with CallStore(tmp_path / "calls.sqlite") as store:
        asyncio.run(work(store))
        stored = store.totals()[0].calls
        assert len(model.asked) == stored + 1 < 8
        model.gate = None
        ask(store, model, replace(PROMPT, n=8))
    assert len(model.asked) == 9


def test_calls_wait_for_their_turn(tmp_path):
    working, most = 0, 0

    class Slow(ScriptedModel):
        async def generate(self, request):
            nonlocal working, most
            working += 1
            most = max(most, working)
            await asyncio.sleep(0.001)
            working -= 1
            return await super().generate(request)

    async def work(store):
        asked = recorded(Slow([Rule(pattern=".", replies=("x",))]), store, concurrency=3)
        return await asked.generate(replace(PROMPT, n=20))

    with CallStore(tmp_path / "calls.sqlite") as store:
        assert len(asyncio.run(work(store))) == 20
    assert most == 3


def test_a_replay_of_several_models_wants_one_chosen(tmp_path):
    one, two = words("a"), words("b")
    path = tmp_path / "calls.sqlite"
    with CallStore(path) as store:
        ask(store, one, PROMPT)
        ask(store, two, PROMPT)
    with pytest.raises(InputError, match=r"calls of several models: .*; choose one as"):
        open_model(f"replay:{path}")
    with pytest.raises(InputError, match=r"no calls of nobody; there are those of scripted:"):
        open_model(f"replay:{path}#nobody")
    model = open_model(f"replay:{path}#{two.info.identity}")
    assert asyncio.run(model.generate(PROMPT))[0].text == "b"


def test_one_writer_and_any_number_of_readers(tmp_path):
    path = tmp_path / "calls.sqlite"
    with CallStore(path) as store:
        with pytest.raises(InputError, match="open for writing already"):
            CallStore(path)
        ask(store, UnigramModel(), PROMPT)
        with CallStore(path, read_only=True) as reader:
            assert len(list(reader.calls())) == 1
            with pytest.raises(ValueError, match="reading only"):
                ask(reader, UnigramModel(), replace(PROMPT, seed=9))
    CallStore(path).close()


def test_another_process_cannot_write_and_can_read(tmp_path):
    path = tmp_path / "calls.sqlite"
    command = "import sys; from xgen_core.lm import CallStore; CallStore(sys.argv[1])"
    with CallStore(path) as store:
        ask(store, UnigramModel(), PROMPT)
        other = subprocess.run(
            [sys.executable, "-c", command, path], capture_output=True, text=True, check=False
        )
        assert other.stderr.splitlines()[-1].endswith(
            f"InputError: {path} is being written by another process: wait for it, or stop it"
        )


def test_a_full_disk_ends_the_run_and_loses_nothing(tmp_path):
    with CallStore(tmp_path / "calls.sqlite") as store:
        ask(store, UnigramModel(), PROMPT)
        store._writer.execute("PRAGMA max_page_count = 1")
        with pytest.raises(OSError, match=r"disk is full.*calls\.sqlite") as caught:
            ask(store, UnigramModel(), replace(PROMPT, prompt="long " * 9999))
        assert caught.value.errno == errno.ENOSPC
        store._writer.execute("PRAGMA max_page_count = 100000")
        ask(store, UnigramModel(), replace(PROMPT, seed=1))
        assert store.totals()[0].calls == 2


def test_what_is_no_store_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        CallStore(tmp_path / "absent.sqlite", read_only=True)
    other = tmp_path / "other.sqlite"
    other.write_text("something else, and long enough to be looked at as a header of a database")
    database = sqlite3.connect(tmp_path / "tables.sqlite")
    database.execute("CREATE TABLE calls (x)")
    database.close()
    for path in (other, tmp_path / "tables.sqlite"):
        for read_only in (True, False):
            with pytest.raises(FormatError, match="not a store of calls"):
                CallStore(path, read_only=read_only)


def test_answers_survive_a_cancelled_run(tmp_path):
    """An answer that came is kept, even if whoever asked was cancelled before it was stored."""
    model = Counting()

    async def work(store):
        asked = recorded(model, store)
        task = asyncio.create_task(asked.generate(PROMPT))
        while not store._waiting and not task.done():
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with CallStore(tmp_path / "calls.sqlite") as store:
        asyncio.run(work(store))
    with CallStore(tmp_path / "calls.sqlite") as store:
        ask(store, model, PROMPT)
    assert len(model.asked) == 1


def calls_of(path):
    with CallStore(path, read_only=True) as store:
        yield from store.calls()


def test_a_store_tells_what_it_holds(tmp_path):
    with CallStore(tmp_path / "calls.sqlite") as store:
        ask(store, UnigramModel(), replace(PROMPT, n=3))
        score(store, UnigramModel(), SCORES)
        made, scored = store.totals()
        times = list(store.times())
    assert [(prompt, text) for prompt, text, _ in times] == [
        (call.request.prompt, call.answer.text)
        for call in calls_of(store.path)
        if isinstance(call.request, GenerationRequest)
    ]
    assert made.seconds == pytest.approx(sum(seconds for *_, seconds in times))
    assert (made.kind, made.calls, made.attempts) == ("generate", 3, 3)
    assert (made.prompt_tokens, made.completion_tokens) == (30, 15)
    assert (scored.kind, scored.calls) == ("score", 3)
    assert made.model == UnigramModel().info.identity


def test_a_budget_of_calls_ends_the_run_and_keeps_the_answers(tmp_path):
    model = Counting()
    budget = Budget(calls=2)
    requests = [replace(PROMPT, seed=i) for i in range(3)]
    with CallStore(tmp_path / "calls.sqlite") as store:
        with pytest.raises(BudgetError, match=r"budget of 2 calls is used up \(2 made\): raise"):
            ask(store, model, *requests, budget=budget)
        assert len(ask(store, model, *requests, budget=Budget(calls=1))) == 3
    assert len(model.asked) == 3


def test_a_budget_reserves_the_worst_and_settles_on_what_was_used(tmp_path):
    """10 bytes of prompt, 16 for what stands around it, 5 of answer: 31 at most, 15 in truth."""
    for tokens, answered in ((30, 0), (31, 1), (45, 1), (46, 2)):
        model = Counting()
        with CallStore(tmp_path / f"{tokens}.sqlite") as store:
            budget = Budget(tokens=tokens)
            with pytest.raises(BudgetError, match=f"budget of {tokens} tokens .* may use 31"):
                ask(store, model, *(replace(PROMPT, seed=i) for i in range(9)), budget=budget)
            assert budget.spent.tokens == 15 * answered
        assert len(model.asked) == answered


def test_a_budget_lets_requests_wait_for_others_to_settle(tmp_path):
    model = Counting()
    budget = Budget(money=46, prices=Prices(prompt=1e6, completion=1e6))

    async def work(store):
        asked = recorded(model, store, budget=budget)
        return await asyncio.gather(
            *(asked.generate(replace(PROMPT, seed=i)) for i in range(2)),
        )

    with CallStore(tmp_path / "calls.sqlite") as store:
        asyncio.run(work(store))
        assert budget.cost == 30
        with pytest.raises(BudgetError, match=r"46\.0000 is used up: 30\.0000 is spent, and"):
            ask(store, model, replace(PROMPT, seed=3), budget=budget)
        assert ask(store, model, PROMPT, budget=budget)  # known: costs nothing


def test_who_stops_waiting_for_a_budget_leaves_it_to_the_others(tmp_path):
    model = Counting()
    budget = Budget(tokens=31 + 15)

    async def work(store):
        model.gate = asyncio.Event()
        asked = recorded(model, store, budget=budget)
        tasks = [asyncio.create_task(asked.generate(replace(PROMPT, seed=i))) for i in range(3)]
        await asyncio.sleep(0.01)
        assert len(model.asked) == 1
        tasks[1].cancel()
        model.gate.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with CallStore(tmp_path / "calls.sqlite") as store:
        first, second, third = asyncio.run(work(store))
    assert (len(first), len(third)) == (1, 1)
    assert isinstance(second, asyncio.CancelledError)


def test_a_dry_run_counts_and_asks_nothing(tmp_path):
    model = Counting()
    with CallStore(tmp_path / "calls.sqlite") as store:
        ask(store, model, PROMPT)
        score(store, model, SCORES[:1])
        asked = len(model.asked)
        plan = planned(model, store)

        async def work():
            (known, made_up) = await plan.generate(replace(PROMPT, n=2))
            assert known == (await UnigramModel().generate(PROMPT))[0]
            assert made_up.completion_tokens == 5
            await plan.generate(replace(PROMPT, n=2))  # equal requests count once
            assert [sum(s.byte_lengths) for s in await plan.score(SCORES)] == [1, 3, 3]

        asyncio.run(work())
    assert len(model.asked) == asked
    made, scored = plan.generate_plan, plan.score_plan
    assert (made.known, made.worst.calls, made.prompt_bytes) == (1, 1, 10)
    assert (made.worst.prompt_tokens, made.worst.completion_tokens) == (26, 5)
    assert (scored.known, scored.worst.calls, scored.prompt_bytes) == (1, 2, 8)
    assert plan.cost(Prices(prompt=1e6, completion=2e6)) == 26 + 8 + 32 + 2 * (5 + 2)
