"""A checkpoint with a tokenizer of ours leaves as others read it, and comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tokenizers
from click.testing import CliRunner

import xgen_core.plugins as plugins
from xgen_core import MissingExtraError, open_tokenizer
from xgen_model import CheckpointStore, open_source
from xgen_model.cli import model
from xgen_tokenizer import TiktokenTokenizer, train_bpe

SETS = ("d_model=32", "n_layers=2", "n_heads=4", "n_kv_heads=2", "d_ff=48", "context_length=96")


def xgen(*arguments: object) -> None:
    done = CliRunner().invoke(model, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("exported")
    corpus = ["def f(x):\n    return x * 2\n", "naïve Größe", "return naïve"] * 3
    made = train_bpe(corpus, vocab_size=270, name="tiny")
    assert isinstance(made, TiktokenTokenizer)
    made.save(root / "tokenizer")
    sets = [part for s in SETS for part in ("--set", s)]
    xgen("init", "tiny", "--tokenizer", root / "tokenizer", "-o", root / "ckpt", *sets)
    return root / "ckpt"


def test_tokenizer_and_weights_leave_together_and_return(checkpoint: Path, tmp_path: Path) -> None:
    xgen("export", checkpoint, "-o", tmp_path / "hf")
    ours = open_source(checkpoint).open_tokenizer()
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "hf/tokenizer.json"))
    text = "def g(naïve):\n    return 3\n"
    # A document of this vocabulary begins with BOS, and so does what other libraries encode.
    assert theirs.encode(text).ids == [ours.bos_id, *ours.encode(text)]
    assert theirs.encode(text, add_special_tokens=False).ids == ours.encode(text)
    config = json.loads((tmp_path / "hf/config.json").read_text())
    assert config["eos_token_id"] == ours.eos_id
    generation = json.loads((tmp_path / "hf/generation_config.json").read_text())
    assert generation["eos_token_id"] == ours.eos_id
    assert json.loads((tmp_path / "hf/tokenizer_config.json").read_text())["model_max_length"] == 96
    xgen("import", tmp_path / "hf", "-o", tmp_path / "again")
    again, before = CheckpointStore(tmp_path / "again"), CheckpointStore(checkpoint)
    assert (again.config, again.identity(0)) == (before.config, before.identity(0))
    assert again.tokenizer_fingerprint == ours.fingerprint
    assert open_tokenizer(str(tmp_path / "again/tokenizer")).encode(text) == ours.encode(text)


def test_without_the_tokenizer_package_the_line_says_what_to_do(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = plugins.available

    def available(group: str) -> dict[str, object]:
        return {} if group == "xgen.exporters" else dict(real(group))

    monkeypatch.setattr(plugins, "available", available)
    with pytest.raises(MissingExtraError, match=r"--no-tokenizer .* pip install 'xgen-tokenizer'"):
        xgen("export", checkpoint, "-o", tmp_path / "hf")
    assert list(tmp_path.iterdir()) == []
    xgen("export", checkpoint, "-o", tmp_path / "hf", "--no-tokenizer")
    assert {p.name for p in (tmp_path / "hf").iterdir()} == {"config.json", "model.safetensors"}
