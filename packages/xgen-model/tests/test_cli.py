"""`xgen model …` as a user types it."""

import json

import pytest
from click.testing import CliRunner

import xgen_core.lm.open as opening
from xgen_core import XgenError
from xgen_model import CheckpointStore
from xgen_model.cli import model


@pytest.fixture
def run(monkeypatch, tokenizer):
    # xgen-tokenizer is not a dependency: stand in for the entry points it provides.
    real = opening.load

    def load(group, name):
        return (lambda rest: tokenizer) if group == "xgen.tokenizers" else real(group, name)

    monkeypatch.setattr(opening, "load", load)

    def call(*arguments, code=0, text=None):
        done = CliRunner().invoke(model, [str(a) for a in arguments], input=text)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.stdout

    return call


@pytest.fixture
def checkpoint(run, tmp_path):
    sizes = ("d_model=32", "n_layers=2", "n_heads=4", "n_kv_heads=2", "d_ff=48")
    sets = [a for s in (*sizes, "context_length=96") for a in ("--set", s)]
    text = run("init", "tiny", "--tokenizer", "bytes", "-o", tmp_path / "m", "--seed", "1", *sets)
    assert "parameters, step 0" in text
    return tmp_path / "m"


def test_info_of_a_preset(run):
    assert "6,895,702,016" in run("info", "xgen-7b-8k")
    assert json.loads(run("info", "tiny", "--json"))["parameters"] == 1_315_968
    with pytest.raises(XgenError, match="unknown model preset"):
        run("info", "huge")


def test_init_then_generate_and_score(config, run, checkpoint, tmp_path):
    store = CheckpointStore(checkpoint)
    assert (store.config.n_tokens, store.config.vocab_size) == (257, 384)
    assert store.config == config
    facts = json.loads(run("info", checkpoint, "--json"))
    assert facts["identity"] == store.identity(0)
    made = json.loads(
        run("generate", checkpoint, "--prompt", "ab", "--max-tokens", 40, "-n", 2, "--json")
    )
    assert [c["completion_tokens"] for c in made] == [40, 40]
    assert run("generate", checkpoint, "--prompt", "-", "--max-tokens", 40, text="ab") == (
        "ab" + made[0]["text"] + "\n"
    )
    requests = tmp_path / "r.jsonl"
    requests.write_text('{"context": "a", "continuation": "bc"}\n')
    (line,) = run("score", checkpoint, requests, "--json").splitlines()
    assert len(json.loads(line)["token_logprobs"]) == 2
    assert "3 tokens, 3 bytes" in run("score", checkpoint, "-", text="abc")


def test_mistakes_are_one_line(run, checkpoint, tmp_path):
    with pytest.raises(XgenError, match="exists already"):
        run("init", "tiny", "--tokenizer", "bytes", "-o", checkpoint)
    with pytest.raises(XgenError, match="no such file"):
        run("score", checkpoint, tmp_path / "missing.txt")
    run("generate", checkpoint, "--prompt", "a", "--max-tokens", 0, code=2)
