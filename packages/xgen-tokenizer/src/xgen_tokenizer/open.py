"""What the URIs `xgen` and `dir:PATH` open, found by `xgen_core.open_tokenizer`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from xgen_core import FormatError, InputError
from xgen_tokenizer.bpe import TiktokenTokenizer
from xgen_tokenizer.directory import read_directory
from xgen_tokenizer.xgen import xgen_vocabulary

__all__ = ["open_directory", "open_xgen"]


@cache
def open_xgen(rest: str = "") -> TiktokenTokenizer:
    """XGen's own tokenizer; the same object every time.

    Args:
        rest: what follows `xgen:` in a URI; there are no variants, so it must be empty.

    Raises:
        InputError: `rest` is not empty.
        FormatError: the installed GPT-2 table is damaged.
    """
    if rest:
        raise InputError(f"xgen:{rest}: there is one XGen tokenizer, named just 'xgen'")
    return TiktokenTokenizer("xgen", xgen_vocabulary())


def open_directory(path: str | Path) -> TiktokenTokenizer:
    """Open a tokenizer directory.

    Raises:
        InputError: no such directory, or no tokenizer in it.
        FormatError: a file in it is damaged, or of a version that this release cannot read.
    """
    if not Path(path).is_dir():
        raise InputError(f"{path}: no such tokenizer directory")
    name, vocabulary = read_directory(path)
    try:
        return TiktokenTokenizer(name, vocabulary)
    except ValueError as error:
        raise FormatError(f"{path}: the pattern is not a regular expression: {error}") from error
