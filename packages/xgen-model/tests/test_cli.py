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


def test_many_prompts_from_a_file(run, checkpoint, tmp_path):
    lines = tmp_path / "p.jsonl"
    message = {"role": "user", "content": "hello"}
    lines.write_text(
        '{"prompt": "ab"}\n{"prompt": "", "max_tokens": 3, "n": 2, "temperature": 1.0}\n'
    )
    out = run("generate", checkpoint, "--prompts", lines, "--max-tokens", 40, "--logprobs", 1)
    first, second = map(json.loads, out.splitlines())
    assert first["prompt"] == "ab"
    (made,) = first["completions"]
    assert len(made["logprobs"]) == made["completion_tokens"] == 40
    assert [c["completion_tokens"] for c in second["completions"]] == [3, 3]
    alone = run("generate", checkpoint, "--prompt", "ab", "--max-tokens", 40, "--stream")
    assert alone == "ab" + made["text"] + "\n"
    lines.write_text(json.dumps({"messages": [message]}) + "\n")
    with pytest.raises(XgenError, match="no chat template"):
        run("generate", checkpoint, "--prompts", lines)
    with pytest.raises(XgenError, match="no chat template"):
        run("generate", checkpoint, "--prompt", "hello", "--chat")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "a"}', r'p.jsonl:1: expected {"prompt": "…"}'),
        ('{"prompt": "a", "temperature": -1.0}', "p.jsonl:1: temperature must not be negative"),
        ('{"prompt": "a", "stop": [""]}', "p.jsonl:1: an empty stop string"),
        ('{"prompt": "a", "mx_tokens": 3}', "p.jsonl:1: .*max_tokens"),
        ("", "p.jsonl: no prompts in it"),
    ],
)
def test_a_bad_line_is_named(run, tmp_path, line, message):
    lines = tmp_path / "p.jsonl"
    lines.write_text(line + "\n")
    with pytest.raises(XgenError, match=message):
        run("generate", "local:nowhere", "--prompts", lines)


@pytest.mark.parametrize(
    "options",
    [
        ("--prompt", "a", "--max-tokens", 0),
        ("--prompt", "a", "--temperature", -0.5),
        ("--prompt", "a", "--stop", ""),
        ("--prompt", "a", "--repetition-penalty", 0),
        ("--prompt", "a", "--logprobs", 2),
        ("--prompt", "a", "--stream", "-n", 2),
        ("--prompt", "a", "--prompts", "b.jsonl"),
        (),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(run, options):
    run("generate", "local:nowhere", *options, code=2)


def test_mistakes_are_one_line(run, checkpoint, tmp_path):
    with pytest.raises(XgenError, match="exists already"):
        run("init", "tiny", "--tokenizer", "bytes", "-o", checkpoint)
    with pytest.raises(XgenError, match="no such file"):
        run("score", checkpoint, tmp_path / "missing.txt")
    with pytest.raises(XgenError, match="leaves no room in the context of 96"):
        run("generate", checkpoint, "--prompt", "a" * 96, "--stream")
    with pytest.raises(XgenError, match="only a local: model"):
        run("generate", "scripted:rules.jsonl", "--prompt", "a", "--stream")
