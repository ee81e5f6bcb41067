import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def held_out(documents):
    return documents([("1", "x", "abab" * 8), ("2", "x", "aaab" * 8)])


def test_list_names_every_task(xgen):
    code, out, _ = xgen("eval", "list")
    assert code == 0
    for name in (
        "bits_per_byte",
        "position_nll",
        "continuation_choice",
        "multiple_choice",
        "samples",
    ):
        assert re.search(rf"^  {name} +\w", out, re.MULTILINE)
    first, *others = out.split("\n\n")
    assert first.startswith("Benchmarks by likelihood")
    assert "  mmlu " in first
    assert "  samples " in others[-1]
    code, out, _ = xgen("eval", "list", "--json")
    assert {"name", "variant", "needs", "summary"} == set(json.loads(out)[0])


def test_run_prints_a_table_and_writes_results(plugin, xgen, held_out, tmp_path):
    arguments = ["eval", "run", "--model", "unigram:1", "-t", "bits_per_byte", "-t", "position_nll"]
    arguments += ["-d", held_out, "-o", tmp_path / "run", "--window", "8", "--window", "16"]
    code, out, _ = xgen(*arguments)
    assert code == 0
    # 16 a and 16 b, 24 a and 8 b: 48 bits and 40 bits over 64 bytes; residuals ±4: sqrt(2*32)/64
    assert re.search(
        r"^bits_per_byte +bits_per_byte +1\.3750 +± 0\.1250  -0\.2133 – 2\.9633 +2 +bits/byte$",
        out,
        re.M,
    )
    assert "nats_per_token/8 " in out
    assert "@" not in out
    assert "finer figures are in results.json" in out
    code, out, _ = xgen(*arguments, "--json")
    tasks = json.loads(out)["tasks"]
    assert tasks["bits_per_byte"]["settings"]["window"] == 16
    assert tasks["position_nll"]["settings"]["windows"] == [8, 16]
    assert out == (tmp_path / "run/results.json").read_text("utf-8")


def test_set_changes_a_setting(plugin, xgen, held_out, tmp_path):
    arguments = ["eval", "run", "-m", "unigram:1", "-t", "bits_per_byte", "-t", "count_documents"]
    arguments += ["-d", held_out, "-o", tmp_path / "run", "--json"]
    arguments += ["--set", "bits_per_byte.window=8", "--set", "count_documents.factor=10"]
    code, out, _ = xgen(*arguments)
    assert code == 0
    assert json.loads(out)["tasks"]["bits_per_byte"]["settings"]["window"] == 8
    assert json.loads(out)["tasks"]["count_documents"]["metrics"]["documents"]["value"] == 20


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["-t", "bits_per_bite"], 2, "did you mean 'bits_per_byte'?"),
        (["-t", "bits_per_byte"], 1, "give --documents PATH"),
        (["-t", "bits_per_byte", "-d", "gone.jsonl"], 1, "gone.jsonl: no such file"),
        (["-t", "multiple_choice"], 1, "--set multiple_choice.path=FILE"),
        (["-t", "bits_per_byte", "--set", "bits_per_byte.windo=8"], 2, "did you mean 'window'?"),
        (["-t", "bits_per_byte", "--set", "samples.count=8"], 2, "unknown task 'samples'"),
        (["-t", "bits_per_byte", "--set", "window=8"], 2, "TASK.FIELD=VALUE"),
        (["-t", "bits_per_byte", "--set", "bits_per_byte.window=long"], 2, "expected int"),
        (["-t", "position_nll", "--window", "6"], 2, "multiple of 4"),
        (["-t", "samples", "--window", "8"], 2, "no task of this run has windows"),
        (["-t", "bits_per_byte", "--prompt", "x"], 2, "--task samples"),
        (["-t", "multiple_choice", "--set", "multiple_choice.path=gone"], 1, "gone: no such file"),
    ],
)
def test_bad_usage_is_one_line(plugin, xgen, tmp_path, arguments, code, message):
    got, out, error = xgen("eval", "run", "-m", "unigram:1", "-o", tmp_path / "run", *arguments)
    assert (got, out) == (code, "")
    assert message in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_model_that_cannot_score(xgen, held_out, tmp_path):
    rules = tmp_path / "rules.jsonl"
    rules.write_text('{"pattern": ".", "replies": ["x"]}\n')
    arguments = ["-m", f"scripted:{rules}", "-d", held_out, "-o", tmp_path / "run"]
    code, _, error = xgen("eval", "run", "-t", "bits_per_byte", *arguments)
    assert code == 2
    assert "can generate but not score" in error
    code, out, _ = xgen("eval", "run", "-t", "samples", "--prompt", "Hi", *arguments)
    assert code == 0
    assert "stopped" in out


def test_a_directory_is_a_local_model(xgen, held_out, tmp_path):
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    arguments = ["-t", "bits_per_byte", "-m", checkpoint, "-d", held_out, "-o", tmp_path / "run"]
    code, _, error = xgen("eval", "run", *arguments)
    assert code in (1, 2)  # it is empty, or xgen-model, which opens `local:`, is not installed
    assert f"{checkpoint}: not a checkpoint" in error or "pip install 'xgen-model'" in error


def test_no_module_loads_jax_or_torch():
    script = (
        "import importlib, pkgutil, sys, xgen_eval\n"
        "for m in pkgutil.walk_packages(xgen_eval.__path__, 'xgen_eval.'):\n"
        "    if m.name.endswith('__main__'): continue\n"
        "    try: importlib.import_module(m.name)\n"
        "    except Exception as error:\n"
        "        if 'pip install' not in str(error): raise\n"
        "assert 'xgen_eval.tasks.position_nll' in sys.modules\n"
        "bad = {'jax', 'torch', 'tensorflow', 'flax'} & set(sys.modules)\n"
        "assert not bad, bad\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_front_door_opens_on_demand():
    script = (
        "import sys, xgen_eval\n"
        "assert 'numpy' not in sys.modules\n"
        "assert all(getattr(xgen_eval, name) is not None for name in xgen_eval.__all__)\n"
        "assert not hasattr(xgen_eval, 'nothing')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_python_m_runs_the_command():
    made = subprocess.run(
        [sys.executable, "-m", "xgen_eval", "list"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "bits_per_byte" in made.stdout


def test_a_dry_run_counts_and_asks_nothing(plugin, xgen, held_out, tmp_path):
    arguments = ["eval", "run", "-m", "unigram:1", "-t", "bits_per_byte", "-d", held_out]
    arguments += ["-o", tmp_path / "run", "--window", "16", "--dry-run", "--prices", "1,2"]
    code, out, _ = xgen(*arguments)
    assert code == 0
    # 2 documents of 32 bytes; each token of prompt at least a byte, 16 for what comes around it
    assert out == (
        "score: 2 calls, 64 bytes to read, at most 2 tokens to write; "
        "at most 0.0001, a token a byte\n"
    )
    assert not (tmp_path / "run").exists()
    assert xgen(*arguments[:-3])[0] == 0
    assert "2 more are answered already" in xgen(*arguments)[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--budget", "calls"], "--budget takes calls=N, tokens=N or money=AMOUNT"),
        (["--budget", "hours=1"], "--budget takes calls=N"),
        (["--budget", "money=1"], "needs --prices"),
        (["--prices", "1"], "--prices takes PROMPT,COMPLETION"),
    ],
)
def test_wrong_budgets_are_usage_errors(plugin, xgen, held_out, tmp_path, options, message):
    arguments = ["eval", "run", "-m", "unigram:1", "-t", "bits_per_byte", "-d", held_out]
    code, _, err = xgen(*arguments, "-o", tmp_path / "run", "--window", "16", "--dry-run", *options)
    assert (code, message in err) == (2, True), err


def test_a_budget_that_is_used_up_is_one_line(plugin, xgen, held_out, tmp_path):
    arguments = ["eval", "run", "-m", "unigram:1", "-t", "bits_per_byte", "-d", held_out]
    code, _, err = xgen(*arguments, "-o", tmp_path / "run", "--window", "16", "--budget", "calls=1")
    assert code == 1
    assert "the budget of 1 calls is used up" in err
    assert "Traceback" not in err
