"""`docs/examples/model.sh`: a model through every door comes out as it went in."""

from __future__ import annotations

import subprocess
from pathlib import Path

from xgen_model import open_source

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "model.sh"


def test_a_model_goes_through_every_door(tmp_path: Path) -> None:
    done = subprocess.run(
        [EXAMPLE, tmp_path], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    scores = [line for line in done.stdout.splitlines() if "nats a token" in line]
    assert len(scores) == 2
    assert scores[0] == scores[1]
    assert len(list((tmp_path / "hugging-face").glob("model-*.safetensors"))) == 3
    assert (tmp_path / "hugging-face" / "tokenizer.json").is_file()
    first, again = (open_source(tmp_path / name) for name in ("tiny", "again"))
    assert again.identity == first.identity
    assert "def main(" in done.stdout
