"""What the URIs `xgen` and `dir:PATH` open, found by `xgen_core.open_tokenizer`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from xgen_core import FormatError, InputError
from xgen_tokenizer.bpe import TiktokenTokenizer
from xgen_tokenizer.directory import RANKS_NAME, read_directory, read_template
from xgen_tokenizer.templates import XGEN
from xgen_tokenizer.xgen import xgen_vocabulary

if TYPE_CHECKING:
    from xgen_core import Tokenizer

__all__ = ["open_directory", "open_xgen"]

_HUGGING_FACE_NAME = "tokenizer.json"


@cache
def open_xgen(rest: str = "") -> TiktokenTokenizer:
    """XGen's own tokenizer; the same object every time.

    Args:
        rest: what follows `xgen:` in a URI: nothing, `instruct` for the same with XGen's chat
            template, or `tiktoken` or `fast` to force a backend.

    Raises:
        InputError: `rest` is something else, or the fast backend fails its self-check.
        MissingExtraError: `fast` is asked for and not installed.
        FormatError: the installed GPT-2 table is damaged.
    """
    backends: dict[str, Literal["auto", "tiktoken", "fast"]] = {
        "": "auto",
        "tiktoken": "tiktoken",
        "fast": "fast",
    }
    if rest == "instruct":
        return TiktokenTokenizer("xgen", xgen_vocabulary(), template=XGEN)
    if rest not in backends:
        raise InputError(
            f"xgen:{rest}: there is one XGen tokenizer, named just 'xgen'; 'xgen:instruct' adds "
            "its chat template, 'xgen:tiktoken' and 'xgen:fast' force what encodes it"
        )
    return TiktokenTokenizer("xgen", xgen_vocabulary(), backend=backends[rest])


def open_directory(path: str | Path) -> Tokenizer:
    """Open a tokenizer directory: one of ours, or one with a byte-level `tokenizer.json`.

    Raises:
        InputError: no such directory, no tokenizer in it, or a kind that is not read here.
        FormatError: a file in it is damaged, or of a version that this release cannot read.
        MissingExtraError: it needs the `tokenizers` library, which is not installed.
    """
    directory = Path(path)
    if not directory.is_dir():
        raise InputError(f"{path}: no such tokenizer directory")
    if (directory / _HUGGING_FACE_NAME).is_file() and not (directory / RANKS_NAME).is_file():
        from xgen_tokenizer.hugging_face import open_tokenizer_json

        return open_tokenizer_json(directory)
    name, vocabulary = read_directory(directory)
    try:
        return TiktokenTokenizer(name, vocabulary, template=read_template(directory))
    except ValueError as error:
        raise FormatError(f"{path}: the pattern is not a regular expression: {error}") from error
