"""A step of a checkpoint on its way to the disk, behind the back of whoever asked for it."""

from __future__ import annotations

import errno
import json
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from xgen_core.files import sync_directory, write_json
from xgen_model.arrays import Snapshot, write_files
from xgen_model.manifest import Files, list_files, write_manifest
from xgen_model.processes import Processes, raise_told, told_failure

__all__ = ["Saving"]

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Saving:
    """Writes a step in a thread: every process its own files, the leader the rest and the rename.

    Attributes:
        step: its number.
        bytes: of the arrays, over all processes.
        seconds: how long the write took, once `done`.

    Args:
        name: of the exchange with the other processes, not used before.
        partial: a directory that is there, for the files until all are on disk.
        target: what it is then called.
        copy: the arrays.
        meta: what `meta.json` will hold.
    """

    def __init__(
        self, name: str, partial: Path, target: Path, copy: Snapshot, meta: Mapping[str, object]
    ) -> None:
        self.step, self.bytes, self.seconds = int(target.name), copy.bytes, 0.0
        self._name, self._partial, self._target = name, partial, target
        self._copy: Snapshot | None = copy
        self._meta = meta
        self._error: BaseException | None = None
        self._thread = threading.Thread()

    def start(self, *, then: Callable[[], None], progress: bool) -> None:
        """Begin.

        Args:
            then: what the leader does besides, when the step is there.
            progress: show it.
        """

        def run() -> None:
            begun = time.monotonic()
            try:
                self._write(then, progress)
            except BaseException as error:  # noqa: BLE001 - `wait` raises it
                self._error = error
            self._copy = None
            self.seconds = time.monotonic() - begun

        # a daemon: when this process gives up, nobody answers those that it still waits for
        self._thread = threading.Thread(target=run, name=f"save-{self.step}", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether the write has ended, well or not."""
        return not self._thread.is_alive()

    @property
    def failed(self) -> bool:
        """Whether it has ended, and not well."""
        return self.done and self._error is not None

    def wait(self) -> None:
        """Return when the step is on disk, on all processes.

        Raises:
            OSError: as the file system gave it; nothing of the step is left then.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _write(self, then: Callable[[], None], progress: bool) -> None:
        here, files, failure = Processes.here(), {}, None
        assert self._copy is not None
        try:
            files = write_files(self._partial, self._copy.files, progress=progress)
        except Exception as error:  # noqa: BLE001 - raised below, when the others know of it
            _name_place(error, self._target)
            failure = error
        told = here.gather(f"{self._name}/files", json.dumps([told_failure(failure), files]))

        def finish() -> None:
            try:
                if failure is not None:
                    raise failure
                replies = [json.loads(text) for text in told]
                for said, _ in replies:
                    raise_told(said)
                self._finish({path: entry for _, found in replies for path, entry in found.items()})
                then()
            except Exception as error:
                _name_place(error, self._target)
                shutil.rmtree(self._partial, ignore_errors=True)
                raise

        here.lead(f"{self._name}/end", finish)

    def _finish(self, files: Files) -> None:
        write_json(self._partial / "meta.json", dict(self._meta))
        own = list_files(self._partial, ["meta.json"])
        write_manifest(self._partial, {**files, **own})
        for directory in (*(p for p in self._partial.rglob("*") if p.is_dir()), self._partial):
            sync_directory(directory)
        self._partial.rename(self._target)
        sync_directory(self._target.parent)


def _name_place(error: Exception, path: Path) -> None:
    """Add to a write that found no room where it wrote to, which the system does not say."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM and error.filename is None:
        error.filename = str(path)
