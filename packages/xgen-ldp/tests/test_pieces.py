"""spBLEU's tokenizer: what it is called, and that two files are never taken for one.

That its figures are sacrebleu's is shown in `parity/`, where the sentencepiece package is there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from xgen_core import InputError, MissingExtraError
from xgen_ldp import ENGLISH
from xgen_ldp.evaluation import Scoring
from xgen_ldp.evaluation.comparison import compare
from xgen_ldp.evaluation.measured import Measures
from xgen_ldp.evaluation.pieces import PieceTokenizer


class Pairs:
    """In the place of a model: every two letters are a piece."""

    def Load(self, path: str) -> None:
        assert Path(path).is_file()

    def EncodeAsPieces(self, line: str) -> list[str]:
        return [line[place : place + 2] for place in range(0, len(line), 2)]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    module = ModuleType("sentencepiece")
    module.__dict__["SentencePieceProcessor"] = Pairs
    monkeypatch.setitem(sys.modules, "sentencepiece", module)
    for name in ("flores200sacrebleuspm", "sacrebleu_tokenizer_spm.model", "own.model"):
        (tmp_path / name).write_text(name, "utf-8")
    return tmp_path


def test_a_file_is_called_by_its_name_in_sacrebleus_store_or_by_its_content(models: Path) -> None:
    assert PieceTokenizer(models / "flores200sacrebleuspm").signature() == "flores200"
    own = PieceTokenizer(models / "own.model")
    assert own.signature() == f"spm-{own.file.sha256[:12]}"
    # two published models have this file name: it says nothing
    ambiguous = PieceTokenizer(models / "sacrebleu_tokenizer_spm.model")
    assert ambiguous.signature().startswith("spm-")
    assert PieceTokenizer(models / "own.model", "flores101").signature() == "flores101"
    with pytest.raises(InputError, match="flores200"):
        PieceTokenizer(models / "own.model", "flores")
    with pytest.raises(InputError, match="no such file"):
        PieceTokenizer(models / "nowhere.model")


def test_scores_of_two_files_are_not_compared(models: Path) -> None:
    texts = ["one two three", "four five six"]
    scores = [
        Measures(Scoring(spm_file=f"{models / name}", resamples=100)).measure(texts, texts, ENGLISH)
        for name in ("own.model", "flores200sacrebleuspm")
    ]
    assert [score["spBLEU"].value for score in scores] == pytest.approx([100, 100])
    with pytest.raises(InputError, match=r"tok:spm-.* the second nrefs.*tok:flores200"):
        compare(
            scores[0]["spBLEU"],
            scores[1]["spBLEU"],
            names=("a", "b"),
            metric="spBLEU",
            where="here",
        )


def test_without_the_package_its_pip_line_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'xgen-ldp\[spm\]'"):
        PieceTokenizer(tmp_path / "x.model")
