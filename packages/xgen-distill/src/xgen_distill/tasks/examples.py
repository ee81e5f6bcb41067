"""Tests that a docstring shows: calls with their values, in the forms in which people write them.

    >>> f([1, 2])          f(3) == 4            Input: a = [1], k = 2
    3                      f(3) => 4            Output: [1]
    >>> f(3) == 4          f(3) should return 4
                                                for n = 3 the output should be 4
    [1, 2] ➞ 3 (one parameter)

A value counts only where Python reads it as a literal; words after it are left alone. Nothing is
run here: whether the examples are true is another matter (two of HumanEval's are not).
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from xgen_distill.program import parse_program
from xgen_distill.unit_test import UnitTest

__all__ = ["find_examples"]

_PROMPT = ">>>"
_ARROWS = r"==>|==|=>|->|➞|→|⇒|➔|="
_WORDS = (
    r"(?:should |will |must |would |shall )?(?:returns?|be|gives?|equals?|is)(?: equal to)?"
    r"|#\s*(?:=>|returns?)|:"
)
_VALUE_FOLLOWS = re.compile(rf"\s*,?\s*(?:{_ARROWS}|{_WORDS})\s*:?\s*", re.IGNORECASE)
_ARROW = re.compile(r"\s*(?:==>|=>|->|➞|→|⇒|➔)\s*")
_INPUT = re.compile(r"\s*(?:\d+[.)]\s*)?input\s*:\s*(?P<input>.+?)\s*", re.IGNORECASE)
_OUTPUT = re.compile(r"\s*output\s*:\s*(?P<output>.+?)\s*", re.IGNORECASE)
_BINDING = re.compile(r"\s*(?P<name>\w+)\s*(?:=|:)\s*(?P<value>[^=].*)")
_RETURNED = re.compile(r"\s*returns?\s*=?\s*(?P<value>.+)")
_HEADING = re.compile(r"\s*(?:for )?examples?(?: usage)?\s*:?\s*", re.IGNORECASE)
_OTHER = re.compile(r"(?<![\w.])([a-z_]\w*)\(")
_CONSTANTS = {"true": "True", "false": "False", "null": "None", "none": "None"}
_GIVEN = re.compile(r"\b(?:for|if|when|given)\s+(?=\w+\s*=[^=])", re.IGNORECASE)
_RESULT = re.compile(
    r"\b(?:output|result|answer|function|it)?\s*(?:(?:should|will|must|would)\s+"
    r"(?:be|return)|returns?|(?:output|result|answer)\s+is|=>|->)\s*:?\s*",
    re.IGNORECASE,
)
_LONGEST = 2000
"""Characters of a line that are looked at for a value."""


def find_examples(docstring: str, entry_point: str, parameters: Sequence[str]) -> list[UnitTest]:
    """Tests in a docstring, in its order, each once.

    Args:
        docstring: of the function.
        entry_point: name of the function.
        parameters: names of its parameters.
    """
    lines = [line.rstrip() for line in docstring.splitlines()]
    found = _under_heading(lines, entry_point, parameters)
    if not found:  # people rename functions, and forget their docstrings
        others = dict.fromkeys(_OTHER.findall(docstring))
        found = [
            replace(test, source=_renamed(test.source, other, entry_point), call="", expected="")
            for other in others
            if other != entry_point and not hasattr(builtins, other)
            for test in _under_heading(lines, other, parameters)
        ]
        found = [UnitTest.of(test.source) for test in found]
    return list({test.source: test for test in _tuples(found)}.values())


def _under_heading(lines: Sequence[str], name: str, parameters: Sequence[str]) -> list[UnitTest]:
    """The tests; only those after `Examples:` where there are some, or after `Example:`."""
    headings = [n for n, line in enumerate(lines) if _HEADING.fullmatch(line)]
    heading = next((n for n in headings if "examples" in lines[n].lower()), None)
    if heading is None and headings:
        heading = headings[0]
    after = [] if heading is None else list(_tests(lines[heading + 1 :], name, parameters))
    return after or list(_tests(lines, name, parameters))


def _renamed(source: str, old: str, new: str) -> str:
    return re.sub(rf"(?<![\w.]){re.escape(old)}\(", f"{new}(", source)


def _tuples(tests: Sequence[UnitTest]) -> list[UnitTest]:
    """`("a")` beside `("a", "b")` is meant as a tuple of one."""
    if not any(test.expected.startswith("(") for test in tests):
        return list(tests)
    return [
        UnitTest.of_call(test.call, f"({test.expected},)")
        if test.expected[:1] in tuple("'\"0123456789")
        else test
        for test in tests
    ]


def _tests(lines: Sequence[str], name: str, parameters: Sequence[str]) -> Iterator[UnitTest]:
    for place, line in enumerate(lines):
        following = lines[place + 1 :]
        stripped = line.strip()
        if stripped.startswith(_PROMPT):
            yield from _prompted(stripped.removeprefix(_PROMPT).strip(), following, name)
        elif f"{name}(" in line:
            yield from _called(line, following, name)
        elif (given := _INPUT.fullmatch(line)) is not None:
            yield from _put_in(given["input"], following, name, parameters)
        elif stripped.lower() == "input:":
            yield from _bound(following, name, parameters, _OUTPUT, "output")
        elif _binding(line, parameters[:1]) is not None:
            yield from _bound(lines[place:], name, parameters, _RETURNED, "value")
        else:
            yield from _described(line, name, parameters)


def _prompted(source: str, following: Sequence[str], name: str) -> Iterator[UnitTest]:
    """A line after `>>>`: an expression whose value stands below, or that compares by itself."""
    tree = _expression(source)
    if tree is None or f"{name}(" not in source:
        yield from _called(source, following, name)
        return
    if isinstance(tree, ast.Subscript) and isinstance(tree.slice, ast.Tuple):
        yield _compared(ast.unparse(tree.value), f"[{ast.unparse(tree.slice).strip('()')}]")
        return
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1 and isinstance(tree.ops[0], ast.Eq):
        yield UnitTest.of(f"assert {ast.unparse(tree)}")
        return
    wanted: list[str] = []
    for line in following:
        if not line.strip() or line.strip().startswith(_PROMPT):
            break
        wanted.append(line.strip())
    if not wanted:  # Python's prompt prints nothing for None
        yield UnitTest.of_call(ast.unparse(tree), "None")
        return
    value = _literal("\n".join(wanted)) or _literal(wanted[0])
    if value is not None:
        yield _compared(ast.unparse(tree), value)


def _called(line: str, following: Sequence[str], name: str) -> Iterator[UnitTest]:
    """Calls in a line, each with what follows it."""
    for match in re.finditer(rf"(?<![\w.]){re.escape(name)}\(", line):
        call, end = _call(line, match.start())
        if call is None:
            continue
        rest = line[end:]
        follows = _VALUE_FOLLOWS.match(rest)
        if follows is not None:
            value = _literal(rest[follows.end() :])
        else:
            below = following[0].strip() if following and not rest.strip() else ""
            value = _literal(_VALUE_FOLLOWS.sub("", below, count=1) if below else "", whole=True)
        if value is not None:
            yield _compared(call, value)


def _put_in(
    given: str, following: Sequence[str], name: str, parameters: Sequence[str]
) -> Iterator[UnitTest]:
    """`Input: …`, with `Output: …` on one of the next lines."""
    for line in following[:2]:
        output = _OUTPUT.fullmatch(line)
        if output is not None:
            value, call = _literal(output["output"]), _call_of(given, name, parameters)
            if value is not None and call is not None:
                yield _compared(call, value)
            return


def _bound(
    lines: Sequence[str],
    name: str,
    parameters: Sequence[str],
    result: re.Pattern[str],
    group: str,
) -> Iterator[UnitTest]:
    """Parameters one a line, `a = [1]` or `a : [1]`, and the result on a later one."""
    values: dict[str, str] = {}
    for line in lines:
        bound = _binding(line, parameters)
        found = result.fullmatch(line)
        if bound is not None and bound[0] in values:
            return
        if bound is not None:
            values[bound[0]] = bound[1]
        elif found is not None:
            value = _literal(found[group])
            if value is not None and list(values) == list(parameters):
                arguments = ", ".join(values.values())
                yield _compared(f"{name}({arguments})", value)
            return
        elif not line.strip():
            return


def _binding(line: str, parameters: Sequence[str]) -> tuple[str, str] | None:
    match = _BINDING.fullmatch(line)
    if match is None or match["name"] not in parameters:
        return None
    value = _literal(match["value"], whole=True)
    return None if value is None else (match["name"], value)


def _described(line: str, name: str, parameters: Sequence[str]) -> Iterator[UnitTest]:
    """`for n = 3 the output should be 4`, or `[1, 2] ➞ 3`."""
    given = _GIVEN.search(line)
    if given is not None:
        rest = line[given.end() :]
        results = [
            (call, value)
            for result in _RESULT.finditer(rest)
            for value in [_literal(rest[result.end() :])]
            for call in [_call_of(_assignments(rest[: result.start()]), name, parameters)]
            if value is not None and call is not None
        ]
        if results:  # the last of them: what comes before explains it
            yield _compared(*results[-1])
        return
    arrow = _ARROW.search(line)
    if arrow is not None and len(parameters) == 1:
        left = re.sub(r"^\s*(?:for|e\.g\.|ex(?:ample)?s?)?\s*:?\s*", "", line[: arrow.start()])
        value, argument = _literal(line[arrow.end() :]), _literal(left, whole=True)
        if value is not None and argument is not None:
            yield _compared(f"{name}({argument})", value)


def _assignments(text: str) -> str:
    """The longest beginning of `n = 3, k = 4 the …` that reads as arguments."""
    for end in range(len(text), 0, -1):
        part = text[:end].strip().rstrip(",")
        if _expression(f"f({part})") is not None and "=" in part:
            return part
    return ""


def _call_of(given: str, name: str, parameters: Sequence[str]) -> str | None:
    """A call with arguments as they are written: values, or `name = value` for all of them."""
    tree = _expression(f"{name}({given.strip().rstrip('.')})") if given.strip() else None
    if not isinstance(tree, ast.Call):
        return None
    if any(keyword.arg not in parameters for keyword in tree.keywords):
        return None
    values = [*tree.args, *(keyword.value for keyword in tree.keywords)]
    return ast.unparse(tree) if values and all(map(_is_literal, values)) else None


def _call(line: str, start: int) -> tuple[str | None, int]:
    """The call that begins here, and where it ends; None where its arguments are no values."""
    for end in range(start, min(len(line), start + _LONGEST)):
        if line[end] == ")":
            tree = _expression(line[start : end + 1])
            if isinstance(tree, ast.Call):
                values = [*tree.args, *(keyword.value for keyword in tree.keywords)]
                plain = all(map(_is_literal, values))
                return (ast.unparse(tree) if plain else None), end + 1
    return None, start


def _literal(text: str, *, whole: bool = False) -> str | None:
    """The longest beginning of a text that is a literal, written plainly.

    Args:
        text: after `f(x) ==`, say.
        whole: nothing but the literal may be there.
    """
    text = text.strip()[:_LONGEST]
    ends = (len(text),) if whole else range(len(text), 0, -1)
    for end in ends:
        part = text[:end].strip()
        if not part or part[-1] in "#\\" or (end < len(text) and _inside_word(text, end)):
            continue
        tree = _expression(part)
        if tree is None or not _is_literal(tree):
            continue
        if isinstance(tree, ast.Tuple) and not part.startswith("("):
            continue  # `3, as the sum is odd`
        rest = text[end:].lstrip()
        if rest and rest[0] in "+-*/" and "=" in rest:  # `1 + 9 = 10`
            return _literal(rest.rpartition("=")[2])
        return ast.unparse(tree)
    word = re.match(r"[a-z]+\b", text)
    return None if word is None else _CONSTANTS.get(word[0])


def _inside_word(text: str, end: int) -> bool:
    before, after = text[end - 1], text[end]
    quoted = before in "\"'" and (after.isalnum() or after in "\"'")
    return quoted or ((before.isalnum() or before == "_") and (after.isalnum() or after == "_"))


def _compared(call: str, value: str) -> UnitTest:
    """The test that a call gives a value; floats are equal as far as they are printed."""
    number = ast.literal_eval(value) if value.lstrip("-")[:1].isdigit() else None
    if isinstance(number, float) and "e" not in value:
        digits = len(value.partition(".")[2])
        source = f"assert abs({call} - {value}) <= {10.0 ** -max(digits, 6)!r}"
        return UnitTest(source=source, call=call, expected=value)
    return UnitTest.of_call(call, value)


def _expression(source: str) -> ast.expr | None:
    tree = parse_program(source)
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        return None
    return tree.body[0].value


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
