import asyncio
import json

import pytest

from xgen_core import (
    BudgetError,
    CapabilityError,
    FormatError,
    InputError,
    ModelError,
    PluginError,
    open_model,
)
from xgen_core.lm import Budget
from xgen_eval import evaluate, load_task, read_results, task_names
from xgen_eval.tasks.bits_per_byte import BitsPerByte
from xgen_eval.tasks.continuation_choice import ContinuationChoice
from xgen_eval.tasks.position_nll import PositionNll

TASKS = (BitsPerByte(window=16), ContinuationChoice(count=5), PositionNll(windows=(16, 8)))


@pytest.fixture
def held_out(documents):
    lines = [f"line {i} with a few words of its own, {i * i}" for i in range(120)]
    return documents([(f"{d}", "x", "\n".join(lines[20 * d : 20 * d + 20])) for d in range(6)])


def run(model, output, held_out, tasks=TASKS, **options):
    return asyncio.run(evaluate(model, tasks, output=output, documents=[held_out], **options))


def tree(directory):
    """All files but the call store, which holds times."""
    return {
        str(p.relative_to(directory)): p.read_bytes()
        for p in directory.rglob("*")
        if p.is_file() and not p.name.startswith("calls.sqlite")
    }


def test_two_evaluations_write_the_same_bytes(doubles, held_out, tmp_path):
    for name in ("a", "b"):
        run(doubles.ByteModel(doubles.unigram), tmp_path / name, held_out)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    assert set(tree(tmp_path / "a")) == {
        "run.json",
        "results.json",
        "sections/10-results.json",
        *(f"items/{t.name}.jsonl" for t in TASKS),
        *(f"sections/20-{t.name}-0.json" for t in TASKS),
    }


def test_results_are_read_back(doubles, held_out, tmp_path):
    written = run(doubles.ByteModel(doubles.unigram), tmp_path / "run", held_out, seed=7)
    assert read_results(tmp_path / "run") == written
    header = json.loads((tmp_path / "run/results.json").read_text("utf-8"))
    assert (header["format"], header["version"]) == ("xgen-results", 1)
    assert (written.seed, written.model.identity) == (7, "double")
    assert [f.name for f in written.documents] == ["held-out.jsonl"]
    assert written.tasks["bits_per_byte"].settings == {"window": 16, "stride": None}


def test_finished_tasks_are_not_asked_again(doubles, held_out, tmp_path):
    run(doubles.ByteModel(doubles.unigram), tmp_path / "run", held_out)
    before = tree(tmp_path / "run")
    again = doubles.ByteModel(doubles.unigram)
    run(again, tmp_path / "run", held_out)
    assert again.calls == 0
    assert tree(tmp_path / "run") == before


def test_a_stopped_evaluation_goes_on_at_the_first_unfinished_task(doubles, held_out, tmp_path):
    class Dies(doubles.ByteModel):
        async def score(self, requests):
            if requests[0].context:
                raise ModelError("the machine went away")
            return await super().score(requests)

    with pytest.raises(ModelError):
        run(Dies(doubles.unigram), tmp_path / "run", held_out)
    assert list(read_results(tmp_path / "run").tasks) == ["bits_per_byte"]
    run(doubles.ByteModel(doubles.unigram), tmp_path / "whole", held_out)
    resumed = doubles.ByteModel(doubles.unigram)
    run(resumed, tmp_path / "run", held_out)
    only = doubles.ByteModel(doubles.unigram)
    run(only, tmp_path / "other", held_out, TASKS[1:])
    assert resumed.calls == only.calls
    assert tree(tmp_path / "run") == tree(tmp_path / "whole")


def test_a_killed_task_asks_only_what_was_not_answered(doubles, held_out, tmp_path):
    class Dies(doubles.ByteModel):
        async def score(self, requests):
            if self.calls == 4:
                raise ModelError("the machine went away")
            return await super().score(requests)

    dies = Dies(doubles.unigram)
    with pytest.raises(ModelError):
        run(dies, tmp_path / "run", held_out, TASKS[:1])
    whole, resumed = doubles.ByteModel(doubles.unigram), doubles.ByteModel(doubles.unigram)
    run(whole, tmp_path / "whole", held_out, TASKS[:1])
    run(resumed, tmp_path / "run", held_out, TASKS[:1])
    assert (dies.calls, whole.calls, resumed.calls) == (4, 6, 2)
    assert tree(tmp_path / "run") == tree(tmp_path / "whole")


def test_a_budget_stops_a_run_and_keeps_what_was_answered(doubles, held_out, tmp_path):
    first = doubles.ByteModel(doubles.unigram)
    with pytest.raises(BudgetError, match="4 calls"):
        run(first, tmp_path / "run", held_out, TASKS[:1], budget=Budget(calls=4))
    second = doubles.ByteModel(doubles.unigram)
    run(second, tmp_path / "run", held_out, TASKS[:1], budget=Budget(calls=2))
    assert (first.calls, second.calls) == (4, 2)


def test_changed_settings_and_damaged_rows_are_run_again(doubles, held_out, tmp_path):
    def calls(tasks):
        model = doubles.ByteModel(doubles.unigram)
        run(model, tmp_path / "run", held_out, tasks)
        return model.calls

    assert calls(TASKS[:1]) > 0
    assert calls([BitsPerByte(window=8)]) > 0
    assert calls([BitsPerByte(window=8)]) == 0
    rows = tmp_path / "run/items/bits_per_byte.jsonl"
    whole = tree(tmp_path / "run")
    rows.write_bytes(rows.read_bytes()[:-5])
    (tmp_path / "run/sections/20-bits_per_byte-0.json").unlink()
    assert calls([BitsPerByte(window=8)]) == 0  # graded anew from the answers that are there
    assert tree(tmp_path / "run") == whole


@pytest.mark.parametrize("change", ["model", "seed", "documents", "limit"])
def test_another_evaluation_is_not_mixed_in(doubles, held_out, tmp_path, change):
    run(doubles.ByteModel(doubles.unigram), tmp_path / "run", held_out, TASKS[:1])
    model, options = doubles.ByteModel(doubles.unigram), {}
    if change == "model":
        model = doubles.ByteModel(doubles.unigram, identity="other")
    elif change == "documents":
        held_out.write_bytes(held_out.read_bytes().replace(b"words", b"wards"))
    else:
        options = {change: 3}
    with pytest.raises(InputError, match="another run"):
        run(model, tmp_path / "run", held_out, TASKS[:1], **options)


def test_results_of_another_version_are_refused(doubles, held_out, tmp_path):
    run(doubles.ByteModel(doubles.unigram), tmp_path / "run", held_out, TASKS[:1])
    path = tmp_path / "run/results.json"
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(FormatError, match="version 2"):
        read_results(tmp_path / "run")


def test_a_model_that_cannot_score_is_refused_before_anything_runs(held_out, tmp_path):
    rules = tmp_path / "rules.jsonl"
    rules.write_text('{"pattern": ".", "replies": ["x"]}\n')

    async def work():
        async with open_model(f"scripted:{rules}") as model:
            await evaluate(model, TASKS, output=tmp_path / "run", documents=[held_out])

    with pytest.raises(CapabilityError, match="bits_per_byte scores text"):
        asyncio.run(work())
    assert not (tmp_path / "run").exists()


def test_a_task_of_another_package(plugin, doubles, held_out, tmp_path):
    assert "count_documents" in task_names()
    task = load_task("count_documents")
    results = run(doubles.ByteModel(doubles.unigram), tmp_path / "run", held_out, [task])
    assert results.tasks["count_documents"].metrics["documents"].value == 6
    with pytest.raises(PluginError, match="is not a task"):
        load_task("unnamed")


def test_tasks_of_one_name_are_refused(doubles, held_out, tmp_path):
    with pytest.raises(ValueError, match="different names"):
        run(doubles.ByteModel(doubles.unigram), tmp_path / "run", held_out, [*TASKS, TASKS[0]])
