"""Many items at once, and the loop of a run over them."""

import asyncio
import json
import os
import signal

import pytest

from xgen_core import BudgetError, FormatError, InputError, ModelError, Run
from xgen_core.concurrency import Failure, gather
from xgen_core.progress import Progress


def test_results_come_in_order_and_no_more_than_so_many_work():
    working, most = 0, 0

    async def work(item):
        nonlocal working, most
        working += 1
        most = max(most, working)
        await asyncio.sleep(0.001 * (7 - item))
        working -= 1
        return item * 2

    assert asyncio.run(gather(range(7), work, concurrency=3)) == [0, 2, 4, 6, 8, 10, 12]
    assert most == 3
    assert asyncio.run(gather([], work)) == []


def test_an_item_that_fails_does_not_end_the_others():
    async def work(item):
        if item == 1:
            raise ModelError("no answer")
        return item

    progress = Progress("work", 3)
    got = asyncio.run(gather(range(3), work, progress=progress))
    assert got == [0, Failure(reason="no answer", kind="ModelError"), 2]
    assert progress.done == 3


def test_a_spent_budget_begins_nothing_more_and_waits_for_what_is_in_work():
    begun, done = [], []

    async def work(item):
        begun.append(item)
        if item == 1:
            raise BudgetError("spent")
        await asyncio.sleep(0.01)
        done.append(item)

    with pytest.raises(BudgetError, match="spent"):
        asyncio.run(gather(range(100), work, concurrency=3))
    assert begun == [0, 1, 2]
    assert sorted(done) == [0, 2]


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def divide():
    return 1 / 0


@pytest.mark.parametrize(
    ("error", "raised"), [(divide, ZeroDivisionError), (interrupt, KeyboardInterrupt)]
)
def test_an_error_of_a_programmer_ends_everything(error, raised):
    ended = []

    async def work(item):
        try:
            if item == 1:
                await asyncio.sleep(0.01)
                error()
            await asyncio.sleep(60)
        finally:
            ended.append(item)

    with pytest.raises(raised):
        asyncio.run(gather(range(9), work, concurrency=3))
    assert sorted(ended) == [0, 1, 2]


def run_map(directory, work, items=("c", "a", "b"), **options):
    run = Run.create(directory, "eval", {})
    return asyncio.run(run.map(items, work, key=str, name="words", **options))


async def shout(item):
    await asyncio.sleep(0.001 if item == "c" else 0)
    return {"loud": item.upper(), "pair": (1, 2)}


def test_an_interrupted_loop_leaves_the_same_file(tmp_path, capsys):
    whole = run_map(tmp_path / "whole", shout)
    assert [row["loud"] for row in whole] == ["C", "A", "B"]
    assert whole[0] == {"id": "c", "loud": "C", "pair": [1, 2]}
    path = tmp_path / "cut" / "items" / "words.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(b'{"id": "b", "loud": "B", "pair": [1, 2]}\n{"id": "a", "lou')
    worked = []

    async def noted(item):
        worked.append(item)
        return await shout(item)

    assert run_map(tmp_path / "cut", noted) == whole
    assert worked == ["c", "a"]
    assert path.read_bytes() == (tmp_path / "whole" / "items" / "words.jsonl").read_bytes()
    assert run_map(tmp_path / "cut", noted) == whole
    assert worked == ["c", "a"]
    assert capsys.readouterr().err == ""


def test_failures_are_told_and_tried_again(tmp_path, capsys):
    async def fails(item):
        if item != "a":
            raise ModelError(f"no answer to {item}")
        return await shout(item)

    first, second, third = run_map(tmp_path, fails)
    assert (first.reason, third.kind) == ("no answer to c", "ModelError")
    assert second["loud"] == "A"
    assert capsys.readouterr().err == "words: 2 failed: 2 ModelError (no answer to c)\n"
    lines = (tmp_path / "items" / "words.jsonl").read_text().splitlines()
    assert json.loads(lines[2]) == {"id": "b", "error": "no answer to b", "kind": "ModelError"}
    assert [row["loud"] for row in run_map(tmp_path, shout)] == ["C", "A", "B"]


def test_what_was_done_before_a_crash_is_kept(tmp_path):
    async def breaks(item):
        if item == "b":
            raise ZeroDivisionError
        return {"loud": item}

    with pytest.raises(ZeroDivisionError):
        run_map(tmp_path, breaks, concurrency=1)
    lines = (tmp_path / "items" / "words.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["c", "a"]


def test_bad_items_and_damaged_logs_are_refused(tmp_path):
    with pytest.raises(InputError, match="words: two items are called 'a'; ids must differ"):
        run_map(tmp_path, shout, items=("a", "b", "a"))
    path = tmp_path / "items" / "words.jsonl"
    path.parent.mkdir()
    path.write_text('{"id": "a"}\n{"id": \n')
    with pytest.raises(FormatError, match=r"words\.jsonl:2: damaged line"):
        run_map(tmp_path, shout)
