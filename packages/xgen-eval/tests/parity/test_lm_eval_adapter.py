"""Our local model in lm-evaluation-harness gives what our own tasks give: `make parity`."""

import asyncio
import importlib
import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("lm_eval", reason="parity needs lm-eval: make parity")
pytest.importorskip("xgen_model", reason="parity needs a local model")

pytestmark = pytest.mark.filterwarnings("ignore")

from xgen_core import (  # noqa: E402
    GenerationRequest,
    InputError,
    ScoreRequest,
    open_model,
    open_tokenizer,
)
from xgen_core.command import main  # noqa: E402
from xgen_core.files import read_json  # noqa: E402
from xgen_eval.adapters.lm_eval import XgenLM  # noqa: E402

ROOT = Path(__file__).parents[4]
SPEC = importlib.util.spec_from_file_location(
    "build_eval_fixtures", ROOT / "tools" / "build_eval_fixtures.py"
)
builder = sys.modules[SPEC.name] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(builder)
CASES = {case.name: (case, shots) for case, shots in builder.cases(*builder.generated(2, 12))}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny"
    sizes = [f"--set={name}" for name in ("n_layers=1", "d_model=32", "context_length=256")]
    with pytest.raises(SystemExit) as stop:
        main(["model", "init", "tiny", "--tokenizer", "xgen", "-o", str(path), *sizes])
    assert not stop.value.code
    return path


@pytest.fixture(scope="module")
def adapter(checkpoint):
    with XgenLM.open(f"local:{checkpoint}") as model:
        yield model


@pytest.mark.parametrize(
    "name",
    ["hellaswag 2-shot", "mmlu 0-shot", "perplexity plain", "truthfulqa_mc", "winogrande 0-shot"],
)
def test_the_same_figures_either_way(name, adapter, checkpoint, tmp_path):
    case, shots = CASES[name]
    theirs = builder.ask(case, tmp_path / "lm-eval", shots, adapter)

    def run(_model, task, output, documents=(), **options):
        async def opened():
            from xgen_eval import evaluate

            async with open_model(f"local:{checkpoint}", needs="score") as model:
                return await evaluate(model, [task], output=output, documents=documents, **options)

        return asyncio.run(opened()).tasks[task.name], []

    rows = {part: own.splits for part, own in case.parts.items()}
    comparison = importlib.import_module("eval_parity").Comparison(run, tmp_path)
    comparison.figures(case.task, case.settings, rows, theirs)


def test_scores_are_those_of_the_model(adapter, checkpoint):
    pairs = [
        ("The answer is", " yes"),
        ("The answer is ", "yes"),
        ("", "no context"),
        ("spans: h", "ello"),
        ("x", ""),
    ]
    found = adapter.loglikelihood([SimpleNamespace(args=pair) for pair in pairs])
    assert found[-1] == (0.0, True)
    (rolling,) = adapter.loglikelihood_rolling([SimpleNamespace(args=("no context",))])
    assert rolling == found[2][0]
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-6)  # the space goes with the word
    assert all(value < 0 for value, _ in found[:-1])


def test_full_windows_of_a_long_text_are_those_of_lm_eval(checkpoint):
    from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

    tokenizer = open_tokenizer("xgen")
    text = " ".join(f"Sentence {i} of a text, naïve and long." for i in range(40))
    ids = tokenizer.encode(text)
    assert len(ids) > 4 * 64

    async def both():
        async with open_model(f"local:{checkpoint}") as model:
            request = ScoreRequest(context="", continuation=text, window=64)
            (score,) = await model.score([request])
            theirs = []
            for window in get_rolling_token_windows(ids, tokenizer.eos_id, 64, context_len=1):
                before, after = make_disjoint_window(window)
                if len(after) < 64:
                    # a last window that is not full: theirs reaches back until it is
                    assert len(before) == 64 + 1 - len(after)
                    continue
                found = await model.read([*before, *after])
                theirs += [token.logprob for token in found[1:]]
            return list(score.token_logprobs), theirs

    ours, theirs = asyncio.run(both())
    assert len(ours) == len(ids)
    assert ours[: len(theirs)] == pytest.approx(theirs, abs=1e-5)
    assert len(ours) - len(theirs) == len(ids) % 64 > 0


def test_answers_end_where_the_task_says(adapter, checkpoint):
    settings = {"until": ["\n"], "max_gen_toks": 5, "do_sample": False, "temperature": 0.9}
    sampled = {"max_gen_toks": 5, "do_sample": True, "temperature": 1.0}
    requests = [("A", settings), ("A", settings), ("B", sampled), ("B", sampled)]
    found = adapter.generate_until([SimpleNamespace(args=pair) for pair in requests])
    assert found[0] == found[1]  # greedy
    assert found[2] != found[3]  # another seed

    async def direct():
        async with open_model(f"local:{checkpoint}") as model:
            request = GenerationRequest(prompt="B", max_tokens=5, temperature=1.0, seed=1)
            return (await model.generate(request))[0].text

    assert found[3] == asyncio.run(direct())
    with pytest.raises(InputError, match="sets min_p, which xgen models do not take"):
        adapter.generate_until([SimpleNamespace(args=("A", {"min_p": 0.1}))])


def test_the_command_stores_what_it_found(checkpoint, xgen, tmp_path):
    case, shots = CASES["piqa 0-shot"]
    own = builder.ask(case, tmp_path / "lm-eval", shots)
    where = tmp_path / "lm-eval" / "piqa"
    arguments = ["-m", checkpoint, "--tasks", "xgen_piqa", "--include-path", where]
    code, out, err = xgen("eval", "lm-eval", *arguments, "-o", tmp_path / "run", "--limit", 5)
    assert code == 0, err
    assert "xgen_piqa  acc_norm  none  0" in out
    stored = read_json(tmp_path / "run" / "lm-eval.json")
    assert stored["lm_eval"] == "0.4.13"
    assert stored["n-samples"]["xgen_piqa"]["effective"] == 5
    assert set(stored["results"]["xgen_piqa"]) > {"acc,none", "acc_norm_stderr,none"}
    assert own["piqa"]["metrics"].keys() == {"acc", "acc_norm"}
    section = json.loads((tmp_path / "run/sections/30-lm-eval.json").read_text())
    assert section["title"] == "lm-evaluation-harness 0.4.13"


def test_data_that_is_not_there_is_one_line(checkpoint, xgen, tmp_path):
    lines = {
        "task": "nowhere",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(tmp_path / "nowhere.jsonl")}},
        "output_type": "multiple_choice",
        "test_split": "test",
    }
    (tmp_path / "nowhere.yaml").write_text(json.dumps(lines))
    options = ["-m", checkpoint, "--include-path", tmp_path, "-o", tmp_path / "run"]
    code, _, err = xgen("eval", "lm-eval", "--tasks", "nowhere", *options)
    assert code == 1
    assert "lm-eval could not get the data of nowhere (" in err.splitlines()[-1]


def test_a_task_that_is_not_there_is_one_line(checkpoint, xgen, tmp_path, monkeypatch):
    import lm_eval.tasks

    class Few:
        """The real one takes some fifteen seconds to read all tasks."""

        def __init__(self, include_path=None, include_defaults=True):
            self.all_tasks = ["blimp_npi", "hellaswag"] if include_defaults else []

    monkeypatch.setattr(lm_eval.tasks, "TaskManager", Few)
    options = ["-m", checkpoint, "-o", tmp_path / "run"]
    code, _, err = xgen("eval", "lm-eval", "--tasks", "blimp_npi,helaswag", *options)
    assert code == 1
    assert err.splitlines()[-1] == (
        "xgen: error: lm-eval has no task 'helaswag'; near it are hellaswag"
    )
    code, _, err = xgen("eval", "lm-eval", "--tasks", " , ", *options)
    assert code == 1
    assert "separated by commas, got none" in err
    assert not (tmp_path / "run").exists()
