"""One process of several: joining the others, leading them, leaving when something fails.

A single process needs nothing. Several find each other by what started them:

    JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES, JAX_PROCESS_ID    set by hand: HOST:PORT of process
                                                                  0, how many, which one this is
    Slurm (srun), Open MPI, a TPU slice of Cloud TPU or GKE       JAX reads what these set

All processes run the same command on a file system that they share. Process 0 leads: it alone
writes the run directory.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import jax

from xgen_core import InputError, XgenError
from xgen_model import Processes

__all__ = ["joined", "leader_first", "leader_only", "leads"]

T = TypeVar("T")

_JOIN_SECONDS = 300.0
_BY_HAND = ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")
_COUNTS = {
    "SLURM_STEP_NUM_TASKS": "Slurm",
    "OMPI_COMM_WORLD_SIZE": "Open MPI",
    "MEGASCALE_NUM_SLICES": "the TPU slices",
}
_LAST_WORDS_SECONDS = 2.0

_turns = itertools.count()
"""Every process leads and follows the same number of times."""


def leads() -> bool:
    """Whether this process writes for all."""
    return Processes.here().leads


def leader_only(action: Callable[[], object]) -> None:
    """Process 0 does something; the others wait until it is done.

    Raises:
        XgenError: process 0 failed; there it is the action's own error.
    """
    here = Processes.here()

    def work() -> None:
        action()

    try:
        here.lead(f"leader-{next(_turns)}", work)
    except (XgenError, OSError, RuntimeError) as error:
        if here.leads:
            raise
        raise XgenError(f"process 0 of this run failed: {error}") from error


def leader_first(action: Callable[[], T]) -> T:
    """Process 0 makes something; then the others do the same, and find it made.

    Args:
        action: makes what is not there, and takes up what is.

    Raises:
        XgenError: as `leader_only`; or the action's own error.
    """
    made: list[T] = []
    leader_only(lambda: made.append(action()))
    return made[0] if made else action()


@contextlib.contextmanager
def joined() -> Iterator[None]:
    """Be one of the processes that were started together; to be entered before JAX has devices.

    A process that fails inside leaves at once: JAX would have it wait minutes for the others, who
    wait for it.

    Raises:
        InputError: the environment says half of what it should.
        XgenError: the processes do not find each other, or another one ended early.
    """
    if jax.distributed.is_initialized():
        yield
        return
    alone = False
    try:
        alone = not _join(os.environ)
        yield
    except (ValueError, jax.errors.JaxRuntimeError) as error:
        if alone or "Gloo" not in str(error):
            _leave_at_exit(error, alone)
            raise
        lost = XgenError(f"another process of this run ended; what it says is the reason ({error})")
        _leave_at_exit(lost, alone)
        raise lost from error
    except BaseException as error:
        _leave_at_exit(error, alone)
        raise


def _join(environment: Mapping[str, str]) -> bool:
    """Join the others; False where there are none."""
    given = {name: environment[name] for name in _BY_HAND if environment.get(name)}
    starter = _starter(environment)
    if not given and starter is None:
        return False
    missing = [name for name in _BY_HAND if name not in given]
    if missing and starter is None:
        raise InputError(
            f"{', '.join(given)} is set, but {', '.join(missing)} is not: several processes need "
            f"all of {', '.join(_BY_HAND)}"
        )
    arguments: dict[str, Any] = {
        "coordinator_address": given.get(_BY_HAND[0]),
        "num_processes": _number(given, _BY_HAND[1]),
        "process_id": _number(given, _BY_HAND[2]),
    }
    count, index = arguments["num_processes"], arguments["process_id"]
    if count is not None and index is not None and not 0 <= index < count:
        raise InputError(f"{_BY_HAND[2]} is {index}, and {_BY_HAND[1]} {count}: it counts from 0")
    if not missing:  # all is said, so nothing is to be looked for
        arguments["cluster_detection_method"] = "deactivate"
    seconds = float(environment.get("XGEN_JOIN_SECONDS") or _JOIN_SECONDS)
    try:
        _initialize(arguments, seconds)
    except ValueError as error:
        if starter == _CHIPS:  # of a machine that is no part of anything larger
            return False
        raise InputError(
            f"this process is one of several, by {starter or 'the environment'}, but JAX cannot "
            f"join them: {error}; set {', '.join(_BY_HAND)}"
        ) from error
    except TimeoutError:
        where = given.get(_BY_HAND[0]) or "the coordinator"
        raise XgenError(
            f"the processes of this run did not find each other at {where} within {seconds:g} s: "
            f"start all of them, with the same {_BY_HAND[0]}, which every machine must reach"
        ) from None
    return True


_CHIPS = "the TPU chips of this machine"


def _starter(environment: Mapping[str, str]) -> str | None:
    """What started several processes; None where nothing did."""
    for name, starter in _COUNTS.items():
        if (_number(environment, name) or 1) > 1:
            return starter
    if any(
        "," in environment.get(f"TPU_{n}", "") for n in ("PROCESS_ADDRESSES", "WORKER_HOSTNAMES")
    ):
        return "the TPU slice"
    wanted = environment.get("JAX_PLATFORMS") or "tpu"
    if "tpu" in wanted and "TPU_SKIP_MDS_QUERY" not in environment:
        chips = [*Path("/dev").glob("accel[0-9]*"), *Path("/dev/vfio").glob("[0-9]*")]
        if chips and importlib.util.find_spec("libtpu"):
            return _CHIPS
    return None


def _number(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{name} is {text!r}, which is no whole number") from None


def _initialize(arguments: Mapping[str, Any], seconds: float) -> None:
    """In a thread of its own: where a process is missing, JAX ends the others with a stack dump.

    Raises:
        TimeoutError: a process is missing.
        ValueError: JAX does not know what to join.
    """
    outcome: Future[None] = Future()

    def initialize() -> None:
        try:
            jax.distributed.initialize(**arguments, initialization_timeout=int(seconds) + 60)
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits
            outcome.set_exception(error)
        else:
            outcome.set_result(None)

    threading.Thread(target=initialize, daemon=True).start()
    outcome.result(timeout=seconds)


def _leave_at_exit(error: BaseException, alone: bool) -> None:
    if alone or not jax.distributed.is_initialized():
        return
    code = error.exit_code if isinstance(error, XgenError) else 1
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif isinstance(error, KeyboardInterrupt):
        code = 130
    atexit.register(_leave, code)


def _leave(code: int) -> None:
    """End this process, without what JAX does at its exit."""
    sys.stdout.flush()
    sys.stderr.flush()
    # the others end with the leader, so it lets them finish what they say
    time.sleep(_LAST_WORDS_SECONDS)
    os._exit(code)
