"""What a test uses of the program it tests, found without running either."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xgen_core import CodecError

__all__ = ["Source", "syntax_tree"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A program beside its test.

    Attributes:
        called: names that the test uses and the program defines, sorted.
        imports: import statements of the program that the test relies on.
        weak: why the test cannot run away from the program; empty where it can.
    """

    called: tuple[str, ...]
    imports: tuple[str, ...]
    weak: str

    @classmethod
    def of(cls, program: str, test: str, setup: str = "") -> Source:
        """Look at a program (one that does not compile defines nothing), its test, and its setup.

        Raises:
            CodecError: test or setup does not compile; says which.
        """
        try:
            defined = dict(_definitions(syntax_tree(program, "program")))
        except CodecError:
            defined = {}
        imported = {n for n, d in defined.items() if isinstance(d, ast.Import | ast.ImportFrom)}
        asserts, prepared = syntax_tree(test, "test"), syntax_tree(setup, "setup")
        named = _names(asserts)
        called = sorted(named & set(defined) - imported)
        statements = dict.fromkeys(ast.unparse(defined[n]) for n in sorted(named & imported))
        used = sorted(named | _names(prepared))
        classes = [n for n in used if isinstance(defined.get(n), ast.ClassDef)]
        weak = ""
        if classes:
            weak = f"the test uses the class {' and '.join(classes)} of the program"
        elif _passes_function(asserts, called):
            weak = "the test passes a function to the program"
        return cls(called=tuple(called), imports=tuple(statements), weak=weak)


def syntax_tree(source: str, what: str) -> ast.Module:
    """Parse source text, without a word on escape sequences that Python will not take for ever.

    Raises:
        CodecError: it does not compile.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise CodecError(f"the {what} does not compile: {error}") from None


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _definitions(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """What a module defines at its top level: names, with the statements that do."""
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement.name, statement
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in statement.names:
                yield alias.asname or alias.name.partition(".")[0], statement
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield target.id, statement


def _passes_function(tree: ast.AST, called: Sequence[str]) -> bool:
    """Whether a call of the program has a function among its arguments."""
    for call in ast.walk(tree):
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id in called
        ):
            arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
            if any(
                isinstance(a, ast.Lambda) or (isinstance(a, ast.Name) and a.id in called)
                for a in arguments
            ):
                return True
    return False
