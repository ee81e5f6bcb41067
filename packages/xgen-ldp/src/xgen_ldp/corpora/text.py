"""Lines of a text file, as corpora, samples and scores take them, and sacrebleu does."""

from __future__ import annotations

from pathlib import Path

from xgen_core import InputError

__all__ = ["read_texts"]


def read_texts(path: Path | str) -> list[str]:
    r"""The lines of a UTF-8 file, without their ends and otherwise as they stand.

    A line ends at `\n` or `\r\n`, as for sacrebleu, and at no other character.

    Raises:
        InputError: no such file, nothing in it, or not UTF-8; names the line.
    """
    place = Path(path)
    try:
        content = place.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'cannot be read'}") from error
    if not content:
        raise InputError(f"{path}: this file is empty")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path}:{number}: not UTF-8 text (byte 0x{content[error.start]:02x}); "
            f"write the file anew in UTF-8{_guess(content)}"
        ) from error
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if not lines[-1]:
        lines.pop()
    return lines


def _guess(content: bytes) -> str:
    """What the first bytes say of another encoding."""
    for mark, name in ((b"\xff\xfe", "UTF-16LE"), (b"\xfe\xff", "UTF-16BE")):
        if content.startswith(mark):
            return f": it looks like {name} (iconv -f {name} -t UTF-8)"
    return ""
