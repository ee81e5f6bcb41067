"""spBLEU from a given file equals what sacrebleu computes once it has that file in its store."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from xgen_ldp.cli import ldp

sentencepiece = pytest.importorskip("sentencepiece")

LINES = [
    "हिजो राति काठमाडौंमा ठूलो पानी पर्यो",
    "उनले बिहानै उठेर चिया पकाइन् र अखबार पढिन्",
    "เมื่อคืนฝนตกหนักที่กรุงเทพ",
    "Usiku wa jana mvua kubwa ilinyesha mjini",
    "The river rose again after two days of rain.",
]
WORSE = [LINES[0][5:], LINES[1][:-5], LINES[2][3:], LINES[3].replace("mvua", "jua"), ""]
STORED = {
    "flores200": "flores200sacrebleuspm",
    "flores101": "sacrebleu_tokenizer_spm.model",
    "spBLEU-1K": "spbleu-1k_tokenizer_spm.model",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("spm")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES * 20),
        model_prefix=f"{place / 'small'}",
        vocab_size=120,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return place / "small.model"


@pytest.mark.parametrize("name", STORED)
def test_value_and_signature_are_sacrebleus(model: Path, tmp_path: Path, name: str) -> None:
    hypothesis, reference = tmp_path / "hyp", tmp_path / "ref"
    hypothesis.write_text("\n".join(WORSE) + "\n", "utf-8")
    reference.write_text("\n".join(LINES) + "\n", "utf-8")
    store = tmp_path / "store" / "models" / STORED[name]
    store.parent.mkdir(parents=True)
    shutil.copy(model, store)
    theirs = subprocess.run(
        [sys.executable, "-m", "sacrebleu", reference, "-i", hypothesis, "-tok", name, "-w", "8"],
        env=os.environ | {"SACREBLEU": f"{tmp_path / 'store'}"},
        check=True,
        capture_output=True,
        text=True,
    )
    expected = json.loads(theirs.stdout)
    arguments = [f"{hypothesis}", "-r", f"{reference}", "--spm-file", f"{model}", "--json"]
    ours = CliRunner().invoke(ldp, ["score", *arguments, "--spm-name", name])
    figure = json.loads(ours.stdout)["systems"][f"{hypothesis}"]["spBLEU"]
    assert figure["value"] == pytest.approx(expected["score"], abs=1e-7)
    assert 0 < figure["value"] < 100
    assert figure["signature"] == expected["signature"]
    assert f"tok:{name}" in figure["signature"]


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    from xgen_core import InputError
    from xgen_ldp.evaluation.pieces import PieceTokenizer

    (tmp_path / "x.model").write_text("no model", "utf-8")
    with pytest.raises(InputError, match="not a SentencePiece model"):
        PieceTokenizer(tmp_path / "x.model")
