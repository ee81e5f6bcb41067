"""The processes of one job, and what they tell each other beside the devices.

Messages go through the key-value store of JAX's coordination service, not through computations on
the devices: so a thread may exchange them while the training step runs its own collectives.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax

# The client is not public. Orbax and Flax take it from here too; public functions such as
# `multihost_utils.sync_global_devices` run a computation, which could cross with the step's.
from jax._src import distributed

from xgen_core.errors import InputError, XgenError

__all__ = ["Processes", "raise_told", "told_failure"]

_WEEK = 7 * 24 * 3600 * 1000
"""Milliseconds to wait for another process; one that died ends the job long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """This process among all of its job.

    Names of messages must be new in each use, and the same on all processes.

    Attributes:
        index: this one, counted from 0; the first is the leader.
        count: how many there are.
    """

    index: int
    count: int

    @classmethod
    def here(cls) -> Processes:
        """The processes of `jax.distributed`; one alone where that was not begun."""
        return cls(index=jax.process_index(), count=jax.process_count())

    @property
    def leads(self) -> bool:
        """Whether this one does what is to be done once."""
        return self.index == 0

    def gather(self, name: str, text: str) -> list[str]:
        """Give a text to the leader, who gets those of all, in order; the others get nothing."""
        if self.count == 1:
            return [text]
        self._put(f"{name}/{self.index}", text)
        return [self._get(f"{name}/{i}") for i in range(self.count)] if self.leads else []

    def broadcast(self, name: str, text: str) -> str:
        """The leader's text, on every process."""
        if self.count == 1:
            return text
        if self.leads:
            self._put(name, text)
        return self._get(name)

    def lead(self, name: str, work: Callable[[], None]) -> None:
        """Do something on the leader, and go on everywhere when it is done.

        Raises:
            OSError, XgenError, RuntimeError: it failed; on every process.
        """
        failure: Exception | None = None
        if self.leads:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - raised below, when the others know of it
                failure = error
        told = self.broadcast(name, told_failure(failure))
        if failure is not None:
            raise failure
        raise_told(told)

    def claim(self, name: str, text: str) -> None:
        """Set a text that `claimed` finds, unless another process was first."""
        try:
            _client().key_value_set(f"xgen/{name}", text)
        except jax.errors.JaxRuntimeError as error:
            if "ALREADY_EXISTS" not in str(error):
                raise

    def claimed(self, name: str) -> str | None:
        """What a process has set by now; asks the coordinator, which takes 0.3 ms."""
        try:
            return _client().key_value_try_get(f"xgen/{name}")
        except jax.errors.JaxRuntimeError as error:
            if "NOT_FOUND" not in str(error):
                raise
            return None

    def _put(self, name: str, text: str) -> None:
        _client().key_value_set(f"xgen/{name}", text)

    def _get(self, name: str) -> str:
        return _client().blocking_key_value_get(f"xgen/{name}", _WEEK)


def _client() -> Any:
    client = distributed.global_state.client
    if client is None:
        raise RuntimeError("several processes, but jax.distributed.initialize was not called")
    return client


def told_failure(error: Exception | None) -> str:
    """A failure as a message to other processes; empty for none."""
    if error is None:
        return ""
    if isinstance(error, OSError):
        return json.dumps([error.errno, error.strerror or str(error), str(error.filename or "")])
    return json.dumps([None, str(error) or type(error).__name__, isinstance(error, XgenError)])


def raise_told(text: str) -> None:
    """Raise what another process has told, if anything."""
    if not text:
        return
    number, message, rest = json.loads(text)
    if number is not None:
        raise OSError(number or errno.EIO, message, rest or None)
    raise InputError(message) if rest else RuntimeError(message)
