"""A child's life, from its fork to its end."""

from __future__ import annotations

import mmap
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import NoReturn

from xgen_eval.execution.channel import CHANNEL, Channel
from xgen_eval.execution.inside.confinement import Confinement
from xgen_eval.execution.inside.endings import DENIED, ERROR, MEMORY

__all__ = ["NOTE", "live", "read_note"]

NOTE = 256
"""Bytes that each slot has in the page shared with the zygote: 1 once the child is shut in, then
what went wrong before."""


def read_note(page: mmap.mmap, slot: int) -> str | None:
    """Why the child of a slot could not be shut in, or None where it was."""
    note = page[slot * NOTE : (slot + 1) * NOTE]
    if note[0]:
        return None
    return note[1:].rstrip(b"\0").decode("utf-8", "replace") or "it died before it was shut in"


def live(
    role: ModuleType | None,
    confinement: Confinement,
    limits: Mapping[str, float],
    descriptors: Sequence[int],
    page: mmap.mmap,
    slot: int,
) -> NoReturn:
    """Be the child: shut in, run the role, end without any farewell.

    The page is unmapped before anything foreign runs, so that nothing foreign can write in it that
    the sandbox failed. `os._exit` leaves no moment for `atexit`, finalizers or threads.

    Args:
        role: the module whose `main` is called.
        confinement: what to shut in by.
        limits: the fields of `Limits`.
        descriptors: channel, standard output, standard error.
        page: shared with the zygote.
        slot: this child's part of it.
    """
    try:
        if role is None:
            raise ValueError("no such role when the zygote was started")
        signal.set_wakeup_fd(-1)
        channel, out, err = descriptors
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.dup2(channel, CHANNEL)
        confinement.enter(limits)
        page[slot * NOTE] = 1
        page.close()
    except BaseException as error:  # noqa: BLE001 - whatever it was, nothing foreign may run
        text = f"{type(error).__name__}: {error}".encode()[: NOTE - 1]
        page[slot * NOTE + 1 : slot * NOTE + 1 + len(text)] = text
        os._exit(ERROR)
    os._exit(_run(role, Channel(CHANNEL)))


def _run(role: ModuleType, channel: Channel) -> int:
    """Run the role; its exit code."""
    code = 0
    try:
        try:
            payload = channel.receive()
            if payload is not None:
                role.main(channel, payload)
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        except MemoryError:
            code = MEMORY
        except PermissionError:
            code = DENIED
            traceback.print_exc()
        except BaseException:  # noqa: BLE001 - the end of a program, as the interpreter shows it
            code = ERROR
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - no memory even for that, or its streams are gone
        code = code or ERROR
    return code & 0xFF
