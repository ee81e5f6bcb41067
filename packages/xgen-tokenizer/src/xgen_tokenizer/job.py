"""The training of a vocabulary from files to directory, as `xgen tokenizer train` runs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from xgen_core import InputError
from xgen_core.progress import Progress
from xgen_core.records import Record
from xgen_tokenizer.bpe import TiktokenTokenizer
from xgen_tokenizer.corpus import find_files, read_texts
from xgen_tokenizer.directory import CONFIG_NAME
from xgen_tokenizer.open import open_directory
from xgen_tokenizer.templates import TEMPLATES, specials_of
from xgen_tokenizer.training import TRAINED_SPECIALS, train_bpe
from xgen_tokenizer.vocabulary import END_OF_TEXT

__all__ = ["TrainingJob", "TrainingResult"]

_MEASURED_BYTES = 16 << 20
"""The compression is measured on about this much text, evenly spread: it takes some seconds."""

_BATCH_CHARACTERS = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult(Record):
    """What came out.

    Attributes:
        directory: where the tokenizer lies.
        written: False if it lay there before.
        fingerprint: of the tokenizer.
        vocab_size: number of ids.
        corpus_bytes: UTF-8 bytes of text that it was trained on.
        measured_bytes: of these, those that `bytes_per_token` is measured on.
        bytes_per_token: mean over them.
    """

    directory: str
    written: bool
    fingerprint: str
    vocab_size: int
    corpus_bytes: int
    measured_bytes: int
    bytes_per_token: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """What to train on what; the arguments of `xgen tokenizer train`.

    Attributes:
        inputs: `.txt` and `.jsonl` files and directories of them.
        output: the directory to write.
        vocab_size, name, min_frequency: as for `train_bpe`.
        extra_specials: special tokens besides end of text; None for the usual ones.
        bos: whether documents begin with the end-of-text token.
        template: name of the chat template that goes with it; its special tokens are added.
    """

    inputs: tuple[Path, ...]
    output: Path
    vocab_size: int
    name: str
    extra_specials: tuple[str, ...] | None = None
    bos: bool = True
    min_frequency: int = 2
    template: str | None = None

    def run(self) -> TrainingResult:
        """Train, measure and write.

        Raises:
            InputError: bad or too little input, arguments that do not go together, or an output
                directory that holds something else.
            MissingExtraError: `tokenizers` is not installed.
        """
        files = find_files(self.inputs)
        self._refuse_other_output()
        extra = TRAINED_SPECIALS[1:] if self.extra_specials is None else self.extra_specials
        template = TEMPLATES[self.template] if self.template else None
        wanted = (END_OF_TEXT, *extra, *(specials_of(template) if template else ()))
        meter = _Meter()
        try:
            trained = train_bpe(
                self._announce(meter.watch(read_texts(files), "reading"), meter),
                vocab_size=self.vocab_size,
                name=self.name,
                specials=tuple(dict.fromkeys(wanted)) if template else wanted,
                bos=END_OF_TEXT if self.bos else None,
                min_frequency=self.min_frequency,
            )
        except ValueError as error:
            raise InputError(str(error)) from error
        sample = _Meter()
        texts = _spread(read_texts(files), min(1.0, _MEASURED_BYTES / meter.size))
        tokens = _count_tokens(trained, sample.watch(texts, "measuring"))
        existed = (self.output / CONFIG_NAME).is_file()
        TiktokenTokenizer(trained.name, trained.vocabulary, template=template).save(self.output)
        return TrainingResult(
            directory=str(self.output),
            written=not existed,
            fingerprint=trained.fingerprint,
            vocab_size=trained.vocab_size,
            corpus_bytes=meter.size,
            measured_bytes=sample.size,
            bytes_per_token=sample.size / tokens,
        )

    def _announce(self, texts: Iterator[str], meter: _Meter) -> Iterator[str]:
        """Pass the texts on, then say that the long silent part begins."""
        yield from texts
        click.echo(f"learning {self.vocab_size:,} ids from {meter.size:,} bytes of text", err=True)

    def _refuse_other_output(self) -> None:
        """Refuse before the long work what could not be written after it."""
        if not self.output.exists():
            return
        if not self.output.is_dir():
            raise InputError(f"{self.output} is a file: choose another name for the directory")
        if not any(self.output.iterdir()):
            return
        if not (self.output / CONFIG_NAME).is_file():
            raise InputError(f"{self.output} is not empty: choose another name or remove it first")
        found = open_directory(self.output)
        if (found.name, found.vocab_size) != (self.name, self.vocab_size):
            raise InputError(
                f"{self.output} holds another tokenizer ({found.name}, {found.vocab_size} ids): "
                "choose another name or remove it first"
            )


class _Meter:
    """Counts the UTF-8 bytes of the texts that pass through it."""

    def __init__(self) -> None:
        self.size = 0

    def watch(self, texts: Iterable[str], label: str) -> Iterator[str]:
        with Progress(label, unit="bytes") as progress:
            for text in texts:
                yield text
                size = len(text.encode("utf-8"))
                self.size += size
                progress.advance(size)


def _spread(texts: Iterable[str], share: float) -> Iterator[str]:
    """Pass on about `share` of the bytes, a text whenever what was passed on lags behind."""
    seen = taken = 0
    for text in texts:
        size = len(text.encode("utf-8"))
        if taken <= seen * share:
            taken += size
            yield text
        seen += size


def _count_tokens(trained: TiktokenTokenizer, texts: Iterable[str]) -> int:
    tokens = characters = 0
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        characters += len(text)
        if characters >= _BATCH_CHARACTERS:
            tokens += len(trained.encode_batch(batch).ids)
            batch, characters = [], 0
    return tokens + len(trained.encode_batch(batch).ids)
