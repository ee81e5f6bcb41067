"""A build on a real Ray cluster: two nodes on this machine, one CPU each."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xgen_core import XgenError
from xgen_data.executor import Ray

pytest.importorskip("ray")
pytestmark = pytest.mark.xdist_group("ray")  # one cluster

RECIPE = """
import dataclasses, os, signal
from pathlib import Path
from typing import Literal
from xgen_data import DataRecipe, SourceConfig
from xgen_data.steps import DocumentStep

@dataclasses.dataclass(frozen=True, kw_only=True)
class DieOnce(DocumentStep):
    '''Kills the worker in the middle of a part, the first time that it comes there.'''
    kind: Literal["die_once"] = "die_once"

    def one(self, document):
        mark = Path("{mark}")
        if document.id.startswith("01") and mark.exists():
            mark.rename(mark.with_name("died"))
            os.kill(os.getpid(), signal.SIGKILL)
        return document

def make():
    return DataRecipe(
        sources=tuple(SourceConfig(name=n, uri="text:{corpus}/" + n) for n in ("left", "right")),
        steps=(DieOnce(),), validation_fraction=0.1, shard_bytes=5000, tokenizer="bytes:",
        block_tokens=1024,
    )

def broken():
    return DataRecipe(sources=(SourceConfig(name="rows", uri="jsonl:{corpus}/rows.jsonl"),))
"""


@pytest.fixture(scope="session")
def cluster():
    """The address of two raylets, whose workers can import what this process can."""
    script = Path(__file__).parents[3] / "tests" / "soak" / "cluster.py"
    plugin = str(Path(__file__).parent / "plugin")
    process = subprocess.Popen(  # apart, because forking here would fork what other tests loaded
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": plugin},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield next(line.split()[1] for line in process.stdout if line.startswith("address "))
        process.stdin.close()


@pytest.fixture
def recipe_file(corpus, tmp_path):
    path = tmp_path / "recipe.py"
    text = RECIPE.replace("{corpus}", str(corpus)).replace("{mark}", str(tmp_path / "mark"))
    path.write_text(text)
    return path


def run_command(plugin, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "xgen_core", "data", "build", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": plugin},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_store_is_the_local_one_although_a_worker_was_killed(
    cluster, recipe_file, plugin, tmp_path, tree
):
    recipe = f"{recipe_file}:make"
    alone = run_command(plugin, recipe, "-o", tmp_path / "alone", "--workers", "0")
    assert alone.returncode == 0, alone.stderr
    (tmp_path / "mark").touch()
    ray = run_command(plugin, recipe, "-o", tmp_path / "ray", "--ray", cluster)
    assert ray.returncode == 0, ray.stderr
    assert (tmp_path / "died").exists()
    assert ray.stdout == alone.stdout
    assert tree(tmp_path / "ray") == tree(tmp_path / "alone")
    assert len(tree(tmp_path / "ray")) > 10


def test_a_tasks_error_is_one_line(cluster, recipe_file, corpus, plugin, tmp_path):
    rows = [json.dumps({"text": "words enough to be kept"}), '{"text": "cut']
    (corpus / "rows.jsonl").write_text("\n".join(rows))
    failed = run_command(plugin, f"{recipe_file}:broken", "-o", tmp_path / "s", "--ray", cluster,
                         "--until", "documents")  # fmt: skip
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    # Ray may say something about the machine, and progress shows on a busy one
    (line,) = (text for text in failed.stderr.splitlines() if text.startswith("xgen: "))
    assert line.startswith(f"xgen: error: {corpus}/rows.jsonl:2: this line is not JSON; ")
    assert "--set damaged=drop" in line
    assert not list((tmp_path / "s").rglob(".partial-*"))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense"])
def test_no_cluster_is_one_line_in_seconds(address):
    began = time.monotonic()
    with pytest.raises(XgenError, match=f"no Ray cluster at '{address}': .*; start one with"):
        Ray(address=address).map("t", max, 0, [1], lambda task: None)
    assert time.monotonic() - began < 20
