"""Writing one shard: ids, where documents begin, the loss mask if there is one, and the receipt."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from xgen_core.files import atomic_file, write_json
from xgen_data.manifest import Shard

__all__ = ["ShardWriter"]


class ShardWriter:
    """Takes documents' ids in order; the files appear when the block ends without an error.

    Args:
        store: the store's directory.
        file: the shard's path below it, without suffix.
        dtype: of the ids.
        masked: whether `add` gets masks.
        vocab_size: ids must lie below it.
    """

    def __init__(
        self,
        store: Path,
        file: str,
        *,
        dtype: Literal["uint16", "uint32"],
        masked: bool,
        vocab_size: int,
    ) -> None:
        self._stem, self._file = store / file, file
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._vocab_size = vocab_size
        self._masked = masked
        self._stack = contextlib.ExitStack()
        self._starts = [np.zeros(1, np.int64)]
        self._digests = {".ids": hashlib.sha256(), ".mask": hashlib.sha256()}
        self._tokens = self._bytes = 0

    def __enter__(self) -> Self:
        self.receipt.unlink(missing_ok=True)
        suffixes = (".ids", ".mask") if self._masked else (".ids",)
        self._handles = {
            suffix: self._stack.enter_context(atomic_file(self._stem.with_suffix(suffix)))
            for suffix in suffixes
        }
        return self

    @property
    def receipt(self) -> Path:
        """Where the receipt goes."""
        return self._stem.with_suffix(".json")

    def add(
        self,
        ids: npt.NDArray[np.uint32],
        offsets: npt.NDArray[np.int64],
        size: int,
        mask: npt.NDArray[np.uint8] | None = None,
    ) -> None:
        """Append documents.

        Args:
            ids: of all of them, end to end.
            offsets: `[documents + 1]`, where each begins in `ids`, and the end of the last.
            size: bytes of their texts in UTF-8.
            mask: like `ids`; 1 where the id is a target of the loss.

        Raises:
            ValueError: an id outside the vocabulary.
        """
        if len(ids) and ids.max() >= self._vocab_size:
            raise ValueError(
                f"the tokenizer gave id {ids.max()}, but says that its vocab_size is "
                f"{self._vocab_size}"
            )
        self._write(".ids", ids.astype(self._dtype).tobytes())
        if self._masked:
            assert mask is not None  # a masked writer gets masks
            self._write(".mask", mask.astype(np.uint8).tobytes())
        self._starts.append(offsets[1:] + self._tokens)
        self._tokens += len(ids)
        self._bytes += size

    def _write(self, suffix: str, content: bytes) -> None:
        self._handles[suffix].write(content)
        self._digests[suffix].update(content)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def finish(self, documents_sha256: str) -> Shard:
        """Write offsets and receipt, after the block has ended.

        Args:
            documents_sha256: of the file that the documents came from.
        """
        starts = np.concatenate(self._starts).astype("<u8").tobytes()
        with atomic_file(self._stem.with_suffix(".offsets")) as handle:
            handle.write(starts)
        shard = Shard(
            file=self._file,
            tokens=self._tokens,
            documents=len(starts) // 8 - 1,
            bytes=self._bytes,
            sha256=self._digests[".ids"].hexdigest(),
            offsets_sha256=hashlib.sha256(starts).hexdigest(),
            documents_sha256=documents_sha256,
            mask_sha256=self._digests[".mask"].hexdigest() if self._masked else None,
        )
        write_json(self.receipt, shard.to_json())
        return shard
