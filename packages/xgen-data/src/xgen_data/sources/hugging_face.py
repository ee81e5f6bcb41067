"""`hf:DIR`: a data set as `save_to_disk` of Hugging Face `datasets` leaves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xgen_core import CodecError, InputError
from xgen_data.sources.jsonl import document_from_row
from xgen_data.steps import Item

__all__ = ["read_hugging_face"]


def read_hugging_face(path: str, source: str) -> Iterator[Item]:
    """Yield one document a row of `DIR` or `DIR#SPLIT`; columns as in a `jsonl:` row.

    Raises:
        InputError: no saved data set there, no split named where it has several, or no text column.
    """
    where, _, split = path.partition("#")
    if not Path(where).is_dir():
        raise InputError(f"hf:{where}: no such directory")
    from datasets import Dataset, load_from_disk  # 3 s to import

    try:
        loaded = load_from_disk(where)
    except FileNotFoundError as error:
        raise InputError(f"hf:{where}: not a data set saved by save_to_disk: {error}") from error
    if isinstance(loaded, Dataset):
        rows = loaded
    elif split in loaded:
        rows = loaded[split]
    else:
        known = ", ".join(map(str, loaded))
        raise InputError(f"hf:{path}: name one split, as hf:{where}#SPLIT: {known}")
    for number, row in enumerate(rows, 1):
        try:
            yield document_from_row(row, number, source)
        except CodecError as error:
            raise InputError(f"hf:{path} row {number}: {error}") from error
