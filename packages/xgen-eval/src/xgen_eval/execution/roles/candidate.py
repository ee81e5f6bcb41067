"""The process in which a program under test runs: it loads the program and answers calls.

    ← payload   {"nonce", "prelude", "program", "as_text"}    → (nonce, failure or None, None)
    ← (nonce, name, arguments, keywords)                      → (nonce, failure or None, result)
    ... until the channel closes

The channel leads to the process of the test (see `judge`) and nowhere else.

Nothing that this process says is believed to be more than a value: the program may have replaced
every line of this module.
"""

from __future__ import annotations

import io
import json
import sys
from typing import Any

from xgen_eval.execution.channel import Channel
from xgen_eval.execution.literals import LiteralError, dumps, loads
from xgen_eval.execution.loading import SOLUTION, failure_of, load, new_module

__all__ = ["main"]


def main(channel: Channel, payload: bytes) -> None:
    """Load the program of `payload` and answer calls of its names, one at a time."""
    job = json.loads(payload)
    namespace = new_module("solution")
    failure = load(job["prelude"], job["program"], namespace)
    _flush()
    channel.send(dumps((job["nonce"], failure, None)))
    while failure is None and (frame := channel.receive()) is not None:
        nonce, name, arguments, keywords = loads(frame)
        channel.send(_answer(namespace, nonce, name, arguments, keywords, job["as_text"]))


def _answer(
    namespace: dict[str, Any],
    nonce: str,
    name: str,
    arguments: list[Any],
    keywords: dict[str, Any],
    as_text: bool,
) -> bytes:
    """Call, and encode what came of it; reading an iterator is part of the call."""
    output, kept = io.StringIO(), sys.stdout
    try:
        if as_text:
            sys.stdout = output
        if name not in namespace:
            raise NameError(f"name {name!r} is not defined")
        result = namespace[name](*arguments, **keywords)
        if as_text:
            result = output.getvalue() if result is None else str(result)
        return dumps((nonce, None, result), opaque=True)
    except LiteralError as error:
        failure = failure_of(OverflowError(f"the result is not relayed: {error}"), SOLUTION)
        return dumps((nonce, {**failure, "stage": "relay"}, None))
    except BaseException as error:  # noqa: BLE001 - SystemExit too is an answer
        return dumps((nonce, failure_of(error, SOLUTION), None))
    finally:
        sys.stdout = kept
        _flush()


def _flush() -> None:
    """Write out what was printed: this process is killed, never left to end by itself."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: BLE001, S112 - a stream of the program's own making: its loss
            continue
