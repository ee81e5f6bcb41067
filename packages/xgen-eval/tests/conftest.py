"""A plug-in package as pip would leave it: doubles on the path, found by entry points."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from xgen_core.command import main

_ENTRY_POINTS = """\
[xgen.models]
letters = eval_doubles:open_letters
unigram = eval_doubles:open_unigram
[xgen.tasks]
count_documents = eval_doubles:CountDocuments
unnamed = eval_doubles:Unnamed
[xgen.tokenizers]
bytes = eval_doubles:open_bytes
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Install the plug-in for one test; its module is returned."""
    info = tmp_path / "site" / "eval_doubles-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: eval-doubles\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(_ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(info.parent))
    return importlib.import_module("eval_doubles")


@pytest.fixture(scope="session", autouse=True)
def doubles():
    """The doubles' module, importable while the tests run."""
    directory = str(Path(__file__).parent / "plugin")
    sys.path.insert(0, directory)
    yield importlib.import_module("eval_doubles")
    sys.path.remove(directory)


@pytest.fixture
def kit(doubles):
    """What makes items for run directories."""
    return importlib.import_module("made_runs")


@pytest.fixture
def made(kit, tmp_path):
    """Makes run directories whose rows the test chooses."""
    return kit.MadeRuns(tmp_path)


@pytest.fixture
def documents(tmp_path):
    """Write a JSONL file of documents given as (id, source, text)."""

    def write(rows: Sequence[tuple[str, str, str]], name: str = "held-out.jsonl") -> Path:
        path = tmp_path / name
        lines = [json.dumps({"id": i, "source": s, "text": t}) for i, s, t in rows]
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return path

    return write


@pytest.fixture
def run_task():
    """Run one task on one model through the public function; gives its record and rows."""
    from xgen_eval import evaluate

    def run(model, task, output: Path, documents=(), **options):
        work = evaluate(model, [task], output=output, documents=documents, **options)
        results = asyncio.run(work)
        rows = (output / "items" / f"{task.name}.jsonl").read_text("utf-8").splitlines()
        return results.tasks[task.name], [json.loads(row) for row in rows]

    return run


@pytest.fixture
def xgen(capsys):
    """Run the `xgen` command: (exit code, standard output, standard error)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def equals_lm_eval(doubles, run_task, tmp_path):
    """See `eval_parity.Comparison`: a task of ours against tasks of lm-eval, in files of a test."""
    return importlib.import_module("eval_parity").Comparison(run_task, tmp_path)


@pytest.fixture(scope="session")
def judged():
    """Judge a program on a problem, in one sandbox for all tests: gives its verdict.

    Any level will do: what these tests are about does not rest on it.
    """
    from xgen_eval.execution import Sandbox, check

    sandbox = Sandbox(modules=("numpy",), processes=4, allow_weak=True)
    with asyncio.Runner() as runner:
        runner.run(sandbox.__aenter__())

        def judge(problem, solution, limits=None):
            return runner.run(check(sandbox, problem, solution, limits=limits))

        yield judge
        runner.run(sandbox.__aexit__(None, None, None))
