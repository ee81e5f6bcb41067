"""spBLEU's tokenizer, from a SentencePiece file that is given: nothing is downloaded."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from sacrebleu.tokenizers.tokenizer_base import BaseTokenizer

from xgen_core import InputError, MissingExtraError
from xgen_eval.inputs import DataFile

__all__ = ["NAMES", "PieceTokenizer"]

NAMES = ("flores200", "flores101", "spBLEU-1K")
"""What sacrebleu's signatures call the files that it knows."""

_FILES = {"flores200sacrebleuspm": "flores200", "spbleu-1k_tokenizer_spm.model": "spBLEU-1K"}
_LETTERS = 12


class PieceTokenizer(BaseTokenizer):
    """Cuts a line into the pieces of a SentencePiece model, as sacrebleu does for spBLEU.

    Its signature is sacrebleu's where the file is one that sacrebleu knows. Nothing in such a file
    says which it is, so the name is taken from you, or from the name under which sacrebleu stores
    it; `sacrebleu_tokenizer_spm.model` is the published name of two of them and tells nothing. Of
    other files the signature is `spm-` and the first 12 letters of their sha256.

    Attributes:
        file: the model, by content.
    """

    def __init__(self, path: Path | str, name: str = "") -> None:
        """Load it.

        Args:
            path: of the model.
            name: one of `NAMES`, if it is that; empty otherwise.

        Raises:
            InputError: no such file, or not a SentencePiece model; a name that is not known.
            MissingExtraError: the `sentencepiece` package is not installed.
        """
        place = Path(path)
        if name and name not in NAMES:
            raise InputError(f"spm name {name!r}: expected one of {', '.join(NAMES)}, or none")
        try:
            import sentencepiece
        except ImportError as error:
            raise MissingExtraError("spBLEU", "xgen-ldp[spm]") from error
        self.file = DataFile.of(place)
        self._name = name or _FILES.get(place.name) or f"spm-{self.file.sha256[:_LETTERS]}"
        self._model = sentencepiece.SentencePieceProcessor()
        try:
            self._model.Load(str(place))
        except RuntimeError as error:
            raise InputError(f"{place}: not a SentencePiece model: {error}") from error
        self._pieces = lru_cache(maxsize=2**16)(self._cut)

    def signature(self) -> str:
        """What stands behind `tok:` in a score's signature."""
        return self._name

    def __call__(self, line: str) -> str:
        """The pieces of a line, a blank between each two."""
        return self._pieces(line)

    def _cut(self, line: str) -> str:
        return " ".join(self._model.EncodeAsPieces(line))
