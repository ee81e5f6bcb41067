import dataclasses
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from xgen_core import XgenError
from xgen_core.files import write_text
from xgen_data import build
from xgen_data.executor import Processes, Ranks, Ray

RECIPE = """
import dataclasses
from typing import Literal
from xgen_data import DataRecipe, Drop, SourceConfig
from xgen_data.steps import DocumentStep

@dataclasses.dataclass(frozen=True, kw_only=True)
class NoAlpha(DocumentStep):
    kind: Literal["no_alpha"] = "no_alpha"

    def one(self, document):
        return Drop(reason="begins with alpha") if "\\nalpha" in document.text else document

def make():
    return DataRecipe(
        sources=tuple(SourceConfig(name=n, uri="text:{corpus}/" + n) for n in ("left", "right")),
        steps=(NoAlpha(),), validation_fraction=0.1, shard_bytes=5000, tokenizer="bytes:",
        block_tokens=1024,
    )
"""


def run_command(plugin, *arguments):
    script = (
        f"import sys; sys.path.insert(0, {plugin!r}); from xgen_core.command import main; main()"
    )
    environment = {**os.environ, "PYTHONPATH": plugin}
    return subprocess.Popen(
        [sys.executable, "-c", script, "data", "build", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def recipe_file(corpus, tmp_path):
    path = tmp_path / "recipe.py"
    path.write_text(RECIPE.replace("{corpus}", str(corpus)))
    return f"{path}:make"


def test_a_recipes_own_step_travels_to_workers_and_ranks(recipe_file, plugin, tmp_path, tree):
    """One process, two workers, and three ranks of which one comes late: the same bytes."""
    stores = {name: tmp_path / name for name in ("alone", "workers", "ranks")}
    commands = {
        "alone": [["--workers", "0"]],
        "workers": [["--workers", "2"]],
        "ranks": [["--rank", str(r), "--world-size", "3", "--workers", "0"] for r in (1, 2, 0)],
    }
    for name, variants in commands.items():
        running = [run_command(plugin, recipe_file, "-o", str(stores[name]), *v) for v in variants]
        for process in running:
            out, err = process.communicate(timeout=120)
            assert process.returncode == 0, err
            assert "begins with alpha" in out
    assert tree(stores["workers"]) == tree(stores["alone"])
    assert tree(stores["ranks"]) == tree(stores["alone"])


def numbered(context, task):
    """A task that leaves a receipt, and fails where its context says so."""
    directory, fail = context
    if task == fail:
        raise XgenError("task 3 cannot be done")
    write_text(Path(directory, str(task)), str(task * 10))  # a receipt is whole or not there
    return task * 10


def receipts(directory):
    def done(task):
        path = Path(directory, str(task))
        return int(path.read_text()) if path.exists() else None

    return done


def test_only_what_has_no_receipt_is_done(tmp_path):
    (tmp_path / "1").write_text("77")
    for workers in (0, 2):
        found = Processes(workers=workers).map(
            "t", numbered, (str(tmp_path), None), range(4), receipts(tmp_path)
        )
        assert found == [0, 77, 20, 30]


def test_ranks_share_the_tasks_and_wait_for_each_other(tmp_path):
    results = {}

    def work(rank):
        executor = Ranks(rank=rank, world_size=2, directory=tmp_path, poll_seconds=0.01)
        context = (str(tmp_path), None)
        results[rank] = executor.map("t", numbered, context, range(5), receipts(tmp_path))

    threads = [threading.Thread(target=work, args=(rank,)) for rank in (1, 0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0] == results[1] == [0, 10, 20, 30, 40]


def test_a_failed_rank_ends_the_waiting_of_the_others(tmp_path):
    context = (str(tmp_path), 3)
    one, other = (
        Ranks(rank=rank, world_size=2, directory=tmp_path, poll_seconds=0.01) for rank in (0, 1)
    )
    with pytest.raises(XgenError, match="task 3 cannot be done"):
        other.map("t", numbered, context, range(5), receipts(tmp_path))
    with pytest.raises(XgenError, match="rank 1 failed: task 3 cannot be done; start all ranks"):
        one.map("t", numbered, context, range(5), receipts(tmp_path))
    done = other.map("t", numbered, (str(tmp_path), None), range(5), receipts(tmp_path))
    assert done == [0, 10, 20, 30, 40]  # rank 0 did its own before it gave up
    with pytest.raises(ValueError, match=r"rank must lie in 0\.\.1"):
        dataclasses.replace(one, rank=2)


def die(context, task):
    os._exit(9)


def test_a_worker_that_dies_is_one_line(tmp_path):
    with pytest.raises(XgenError, match="a worker process ended during 't'"):
        Processes(workers=2).map("t", die, None, range(3), lambda task: None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rank", "1"], "--rank and --world-size go together"),
        (["--rank", "2", "--world-size", "2"], "--rank lies in 0..1"),
        (["--ray", "auto", "--workers", "2"], "--ray goes without"),
    ],
)
def test_usage(recipe_file, plugin, tmp_path, arguments, message):
    process = run_command(plugin, recipe_file, "-o", str(tmp_path / "s"), *arguments)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert message in err


def test_without_ray_the_pip_line(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(XgenError, match=r"pip install 'xgen-data\[ray\]'"):
        build(recipe, tmp_path / "store", executor=Ray())
    shutil.rmtree(tmp_path / "store")
