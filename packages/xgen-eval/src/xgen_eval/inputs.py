"""What is evaluated on: held-out documents, and the checksums that pin them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xgen_core import CodecError, Document, InputError, Model
from xgen_core.files import read_jsonl, sha256_file
from xgen_core.records import Record

__all__ = ["DataFile", "Inputs", "check_text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile(Record):
    """A file that results rest on, by content: moving it changes nothing, editing it does."""

    name: str
    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> DataFile:
        """Pin a file.

        Raises:
            InputError: there is no such file.
        """
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        return cls(name=path.name, bytes=path.stat().st_size, sha256=sha256_file(path))


class Inputs:
    """Held-out documents with the seed and the limits of an evaluation.

    Args:
        paths: `.jsonl` files of core `Document`s (what `xgen data build` writes), plain UTF-8 text
            files (each one document, its source the file's stem), or directories that hold them.
        seed: decides whatever is drawn.
        limit: at most so many items a task (documents, windows, questions or prompts).
        max_bytes: whole documents in file order, up to the first that would exceed so many bytes.
        data: directory of benchmark data, see `xgen_eval.datasets.data_directory`.
        concurrency: generation requests in flight at once; changes no result.
        allow_failures: so many requests of a task may fail, and count as wrong.
        through: what stands before a further model that a task asks (a judge): the run's call store
            and budget, say.

    Raises:
        InputError: no such file, or a directory with none to read.
    """

    def __init__(
        self,
        paths: Sequence[Path | str] = (),
        *,
        seed: int = 0,
        limit: int | None = None,
        max_bytes: int | None = None,
        data: Path | str | None = None,
        concurrency: int = 64,
        allow_failures: int = 0,
        through: Callable[[Model], Model] = lambda model: model,
    ) -> None:
        if (limit is not None and limit < 1) or (max_bytes is not None and max_bytes < 1):
            raise ValueError(f"limit and max_bytes must be at least 1, got {limit}, {max_bytes}")
        if concurrency < 1 or allow_failures < 0:
            raise ValueError(f"expected concurrency of 1 or more, got {concurrency}")
        self.data = data
        self.concurrency = concurrency
        self.allow_failures = allow_failures
        self.through = through
        self.files = tuple(dict.fromkeys(f for p in paths for f in _expand(Path(p))))
        self.seed = seed
        self.limit = limit
        self.max_bytes = max_bytes
        self._documents: tuple[Document, ...] | None = None

    def require(self, task: str) -> tuple[Path, ...]:
        """The document files, for a task that cannot do without.

        Raises:
            InputError: none were given.
        """
        if not self.files:
            raise InputError(f"{task} reads held-out documents: give --documents PATH")
        return self.files

    def documents(self) -> tuple[Document, ...]:
        """All documents in file order, up to `max_bytes`; read once.

        Raises:
            InputError: a line that is not a document or has no text, a text file that is not UTF-8,
                a file without documents, or a first document beyond `max_bytes`.
        """
        if self._documents is None:
            taken = tuple(self._take())
            if not taken:
                raise InputError(
                    f"{self.files[0]}: its first document has more than {self.max_bytes} bytes; "
                    "raise --max-bytes, which takes whole documents"
                )
            self._documents = taken
        return self._documents

    def _take(self) -> Iterator[Document]:
        total = 0
        for path in self.files:
            found = False
            for document in _read(path):
                found = True
                total += len(document.text.encode("utf-8"))
                if self.max_bytes is not None and total > self.max_bytes:
                    return
                yield document
            if not found:
                raise InputError(f"{path}: no documents in it")


def check_text(text: str) -> None:
    """Refuse text that no tokenizer takes.

    Raises:
        CodecError: it is empty or has a lone surrogate.
    """
    if not text:
        raise CodecError("the text is empty")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CodecError(
            f"character {error.start} of the text is a lone surrogate, which UTF-8 cannot hold"
        ) from None


def _expand(path: Path) -> list[Path]:
    if not path.exists():
        raise InputError(f"{path}: no such file or directory")
    if not path.is_dir():
        return [path]
    found = sorted(p for p in path.iterdir() if p.suffix in (".jsonl", ".txt") and p.is_file())
    if not found:
        raise InputError(f"{path}: no .jsonl or .txt file in this directory")
    return found


def _read(path: Path) -> Iterator[Document]:
    if path.suffix == ".jsonl":
        yield from read_jsonl(path, _document)
        return
    try:
        text = path.read_bytes().decode("utf-8")  # bytes, so that line ends stay as they are
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: neither .jsonl nor UTF-8 text: {error}") from error
    if text:
        yield Document(id=path.name, text=text, source=path.stem)


def _document(value: object) -> Document:
    document = Document.from_json(value)
    check_text(document.text)
    return document
