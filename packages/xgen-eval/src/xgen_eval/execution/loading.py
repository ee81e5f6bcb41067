"""Load the source of a program into a module of its own, and say what went wrong.

Standard library only: this runs inside the sandbox.
"""

from __future__ import annotations

import builtins
import random
import sys
import traceback
import warnings
from types import CodeType, ModuleType
from typing import Any

__all__ = ["BUILTIN_ERRORS", "SOLUTION", "Failure", "failure_of", "load", "new_module"]

Failure = dict[str, Any]
SOLUTION = "<solution>"
"""What a program under test is called in tracebacks."""
_MESSAGE_CHARS = 2000
BUILTIN_ERRORS: dict[str, type[BaseException]] = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
}


def new_module(name: str) -> dict[str, Any]:
    """The namespace of a new, importable module; random numbers begin anew."""
    warnings.simplefilter("ignore")
    random.seed(0)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed(0)
    module = ModuleType(name)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up
    return module.__dict__


def load(prelude: str, program: str, namespace: dict[str, Any]) -> Failure | None:
    """Run a program after its prelude, if both compile; what goes wrong is returned."""
    sources = ((program, SOLUTION), (prelude, "<prelude>"))
    compiled: list[CodeType] = []
    for source, filename in sources:
        try:
            compiled.append(compile(source, filename, "exec", dont_inherit=True))
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
            return {**failure_of(error, filename), "stage": "syntax"}
    for code in reversed(compiled):
        try:
            exec(code, namespace)  # noqa: S102 - what this module is for
        except BaseException as error:  # noqa: BLE001 - SystemExit too ends a program, not us
            return failure_of(error, code.co_filename)
    return None


def failure_of(error: BaseException, filename: str) -> Failure:
    """What there is to say of an exception.

    Returns:
        `stage` `"run"`; `type`, the name of its class; `base`, the built-in class that it is or
        derives from; `message`, cut; `line`, the last line of `filename` it came through, or None.
    """
    kind = type(error)
    bases = (base.__name__ for base in kind.__mro__ if BUILTIN_ERRORS.get(base.__name__) is base)
    try:
        if isinstance(error, SyntaxError):
            message = str(error.msg)
        elif isinstance(error, KeyError) and len(error.args) == 1:
            message = repr(error.args[0])
        else:
            message = str(error)
    except BaseException as other:  # noqa: BLE001 - its own `__str__`, which may do anything
        message = f"(its message raises {type(other).__name__})"
    lines = [
        line
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename == filename
    ]
    line = lines[-1] if lines else None
    if isinstance(error, SyntaxError) and error.filename == filename:
        line = error.lineno
    return {
        "stage": "run",
        "type": str(kind.__name__)[:100],
        "base": next(bases, "Exception"),
        "message": message[:_MESSAGE_CHARS],
        "line": line if isinstance(line, int) else None,
    }
