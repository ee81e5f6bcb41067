"""The process in which a test runs: names under test stand for calls to the candidate's process.

To the harness, once for each test:

    ← a channel to the candidate's process
    ← {"names", "setup", "tests", "prelude", "program", "as_text"}
    → the report

Through that channel, see `candidate`: the program, then every call of a name under test.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any

from xgen_eval.execution.channel import Channel, FrameError
from xgen_eval.execution.literals import CutOffError, LiteralError, dumps, loads, show
from xgen_eval.execution.loading import BUILTIN_ERRORS, Failure, failure_of, load, new_module

__all__ = ["GONE", "main", "run_beside"]

_COMPARE = "__compare__"
_FILE = "<test>"

GONE = b"gone"
"""Instead of a report: the candidate's process has ended, and how it did is the verdict."""


def main(channel: Channel, payload: bytes) -> None:
    """Run tests, one for each channel that is given, until the harness hangs up."""
    del payload
    while (candidate := channel.take()) is not None and (text := channel.receive()) is not None:
        job = json.loads(text)
        test = _Test(job, candidate)
        report = test.load() or test.run()
        candidate.close()
        channel.send(GONE if test.gone else json.dumps(report).encode("ascii"))


def run_beside(job: dict[str, Any]) -> Failure:
    """Run the test in the process of the program, which could forge what comes of it; see `run`."""
    test = _Test(job, None)
    return test.load() or test.run()


class _Test:
    """A running test, with what it asked and compared last.

    Attributes:
        gone: whether the candidate has ended before the test did.
    """

    def __init__(self, job: dict[str, Any], candidate: Channel | None) -> None:
        """Prepare it.

        Args:
            job: as `main` receives it.
            candidate: the channel to the candidate's process; None where there is only this one.
        """
        self.gone = False
        self._job = job
        self._candidate = candidate
        self._namespace: dict[str, Any] = {}
        names = [] if candidate is None else job["names"]
        self._names = {name: self._proxy(name) for name in names}
        self._called: tuple[tuple[object, ...], dict[str, object]] | None = None
        self._result: object = None
        self._compared: tuple[object, object] | None = None
        self._raised: tuple[BaseException, Failure] | None = None
        self._broken: Failure | None = None

    def load(self) -> Failure | None:
        """Have the program loaded; what `run` returns where that goes wrong: `"load"`, mostly."""
        job = self._job
        if self._candidate is None:
            self._namespace = new_module("test")
            failure = load(job["prelude"], job["program"], self._namespace)
        else:
            nonce = os.urandom(8).hex()
            asked = {name: job[name] for name in ("prelude", "program", "as_text")}
            try:
                failure, _ = self._ask(nonce, json.dumps({"nonce": nonce, **asked}).encode("ascii"))
            except _CandidateError:
                return self._broken
        return None if failure is None else {"outcome": "load", **failure}

    def run(self) -> Failure:
        """Run setup and tests in order, up to the first that fails.

        Returns:
            `outcome`: `"passed"`, `"assertion"`, `"exception"`, `"output"` or `"test"` (its own
            fault); with what `failure_of` says, and for an assertion its source line and values.
        """
        weak = self._candidate is None
        namespace = self._namespace if weak else new_module("test")
        namespace.update(self._names)
        if (failure := load("", self._job["setup"], namespace)) is not None:
            return {"outcome": "exception" if weak else "test", **failure}
        namespace.update(self._names)  # setup may hold the stub of what is under test
        namespace[_COMPARE] = self._compare
        for source in self._job["tests"]:
            failure = self._run_one(source, namespace)
            if self._broken is not None:
                return self._broken
            if failure is not None:
                return failure
        return {"outcome": "passed"}

    def _run_one(self, source: str, namespace: dict[str, Any]) -> Failure | None:
        try:
            code = _compiled(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return {"outcome": "test", **failure_of(error, _FILE)}
        try:
            exec(code, namespace)  # noqa: S102 - what this process is for
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test was not met
            return self._failure(error, failure_of(error, _FILE), source)
        return None

    def _failure(self, error: BaseException, failure: Failure, source: str) -> Failure:
        lines = source.splitlines()
        line = failure["line"]
        failure["line"] = None  # it is one of the test; a verdict names lines of the program
        shown = {
            "assertion": lines[line - 1].strip() if line and line <= len(lines) else "",
            "input": "" if self._called is None else _shown_call(*self._called),
            "got": "" if self._called is None else show(self._result),
            "expected": "",
        }
        if self._raised is not None and error is self._raised[0]:
            failure = self._raised[1]
            outcome = "output" if failure["stage"] == "relay" else "exception"
            return {"outcome": outcome, **shown, **failure, "got": ""}
        if isinstance(error, CutOffError):
            return {"outcome": "output", **shown, **failure}
        if isinstance(error, AssertionError) and line is not None:
            if self._compared is not None:
                shown["got"], shown["expected"] = map(show, self._compared)
            return {"outcome": "assertion", **shown, **failure}
        own = self._called is None and self._candidate is not None
        return {"outcome": "test" if own else "exception", **shown, **failure}

    def _compare(self, got: object, expected: object, swapped: bool) -> Any:
        """What an `assert a == b` of the test asks; remembered where they differ."""
        equal = got == expected
        pair = (expected, got) if swapped else (got, expected)
        self._compared = None if equal is True else pair
        return equal

    def _proxy(self, name: str) -> Callable[..., Any]:
        def call(*arguments: object, **keywords: object) -> Any:
            return self._call(name, arguments, keywords)

        call.__name__ = call.__qualname__ = name
        return call

    def _call(self, name: str, arguments: tuple[object, ...], keywords: dict[str, object]) -> Any:
        nonce = os.urandom(8).hex()
        frame = dumps((nonce, name, arguments, keywords))
        self._called, self._result = (arguments, keywords), None
        failure, self._result = self._ask(nonce, frame)
        if failure is not None:
            self._raised = (_error(failure), failure)
            raise self._raised[0]
        return self._result

    def _ask(self, nonce: str, frame: bytes) -> tuple[Failure | None, Any]:
        """The candidate's answer to a frame: how it failed, or what it gave.

        Raises:
            _CandidateError: there is none. That ends the test, whatever it does with the error.
        """
        assert self._candidate is not None
        try:
            self._candidate.send(frame)
            answer = None if self.gone else self._candidate.receive()
        except FrameError as error:
            raise self._break("output", str(error)) from None
        except OSError:
            answer = None
        if answer is None:
            self.gone = True
            raise self._break("exception", "its process is gone")
        try:
            echoed, failure, result = loads(answer)
            failure = None if failure is None else _checked(failure)
        except (LiteralError, TypeError, ValueError) as error:
            raise self._break("exception", f"its process sent no answer: {error}") from None
        if echoed != nonce:
            raise self._break("exception", "its process sent an answer that nothing asked for")
        return failure, result

    def _break(self, outcome: str, message: str) -> Exception:
        """The error, once it is noted what has become of the test."""
        self._broken = self._broken or {
            "outcome": outcome,
            **_checked({"type": "RelayError", "message": message}),
            "input": "" if self._called is None else _shown_call(*self._called),
        }
        return _CandidateError(message)


class _CandidateError(Exception):
    """The candidate's process gives no answers."""


@lru_cache
def _compiled(source: str) -> CodeType:
    """The test, every `assert a == b` of it asking `_compare`, so that both values can be shown.

    Kept, because many programs are tried on the same test.
    """
    tree = ast.parse(source, _FILE)
    _ask(tree.body)
    return compile(tree, _FILE, "exec", dont_inherit=True)


def _ask(body: list[ast.stmt]) -> None:
    for statement in body:
        if isinstance(statement, ast.Assert):
            test = statement.test
            if isinstance(test, ast.Compare) and [type(op) for op in test.ops] == [ast.Eq]:
                got, [expected] = test.left, test.comparators
                swapped = isinstance(expected, ast.Call) and not isinstance(got, ast.Call)
                arguments = [got, expected, ast.Constant(swapped)]
                hook = ast.Call(ast.Name(_COMPARE, ast.Load()), arguments, [])
                statement.test = ast.fix_missing_locations(ast.copy_location(hook, test))
        else:
            for name in ("body", "orelse", "finalbody"):
                _ask(getattr(statement, name, []))
            for handler in getattr(statement, "handlers", []):
                _ask(handler.body)


def _checked(failure: Any) -> Failure:
    """What another process says of an exception, as plain fields whatever it sent."""
    given = failure if type(failure) is dict else {}
    texts = {key: given.get(key) for key in ("stage", "type", "base", "message")}
    line = given.get("line")
    return {
        **{key: text if type(text) is str else "" for key, text in texts.items()},
        "line": line if type(line) is int else None,
    }


def _error(failure: Failure) -> Exception:
    """The same built-in exception, to be raised where the call was made."""
    kind = BUILTIN_ERRORS.get(failure["base"], Exception)
    bases = kind.__mro__ if issubclass(kind, Exception) else (RuntimeError,)
    for base in bases:
        try:
            return base(failure["message"])
        except TypeError:  # one that takes other arguments: its base does not
            continue
    return RuntimeError(failure["message"])


def _shown_call(arguments: tuple[object, ...], keywords: dict[str, object]) -> str:
    texts = [show(value) for value in arguments]
    return ", ".join(texts + [f"{name}={show(value)}" for name, value in keywords.items()])
