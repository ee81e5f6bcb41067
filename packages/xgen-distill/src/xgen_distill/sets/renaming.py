"""A function with other names for its parameters, the rest of its text as it was.

A name is renamed where Python would look it up in the function: nested functions, comprehensions
and classes that bind it themselves keep theirs. A name that is in the way gets a number.

    def total(lst):                            def total(list):
        n = 0                                      n = 0
        return sum(n for n in lst)      →          return sum(n for n in list)
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from xgen_distill.program import parse_program
from xgen_distill.sets.scopes import Call, Named, Scope, ScopedNames
from xgen_distill.sets.unfit import Unfit

__all__ = ["rename_parameters"]

_TEXTUAL = frozenset({"eval", "exec", "locals", "vars", "dir"})
"""Built-in functions that know names by their text."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def rename_parameters(source: str, names: Mapping[str, str]) -> str:
    """Give the parameters of a function other names, all at once (two may be exchanged).

    Args:
        source: a function and nothing else.
        names: new name by old one, of parameters that change theirs.

    Returns:
        The function, otherwise as it was written; an f-string with a new name in it is written
        anew.

    Raises:
        Unfit: a new name means something else in the function, or an old one is also bound by an
            import, an exception handler, a pattern or a definition.
    """
    tree = parse_program(source)
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], _Function):
        raise ValueError("expected one function and nothing else")
    found = ScopedNames.of(tree)
    function = found.root.functions[tree.body[0].name]
    renames = _conflict_free(found, function, dict(names))
    edits = _Edits(source)
    for use in found.uses:
        owner = use.scope.owner(use.name)
        new = renames.get(owner, {}).get(use.name) if owner else None
        if new is None:
            continue
        if use.node is None:
            raise Unfit("name conflict", f"{use.name} is bound by more than an assignment")
        _replace(use.node, use.name, new)
        if use.text is not None:
            edits.anew(use.text)
        elif isinstance(use.node, ast.Nonlocal):
            edits.anew(use.node)
        else:
            edits.name(use.node, use.name, new)
    for call in found.calls:
        _rename_keywords(call, found, renames, edits)
    renamed = edits.applied()
    again = parse_program(renamed)
    if again is None or ast.dump(again) != ast.dump(tree):
        raise Unfit("name conflict", "its parameters cannot be renamed in its text")
    return renamed


def _conflict_free(
    found: ScopedNames, function: Scope, names: dict[str, str]
) -> dict[Scope, dict[str, str]]:
    """What to rename in each scope so that every name still means what it meant."""
    taken = {use.name for use in found.uses} | set(names.values())
    for use in found.uses:
        if use.scope.owner(use.name) is None and use.scope is not found.root:
            if use.name in names.values():
                raise Unfit("name conflict", f"the header's {use.name} hides one that it uses")
            if use.name in _TEXTUAL:
                raise Unfit("name conflict", f"{use.name} may know its parameters by their text")
    for name in sorted((function.bound & set(names.values())) - set(names)):
        names[name] = _fresh(name, taken)
    renames = {function: names}
    for use in found.uses:
        if use.scope.owner(use.name) is not function or use.name not in names:
            continue
        scope, new = use.scope, names[use.name]
        while scope is not function and scope.parent is not None:
            if scope.kind == "class":
                if scope is use.scope and new in scope.bound:
                    raise Unfit("name conflict", f"a class in it has an attribute {new}")
            elif new in scope.bound and new not in scope.outer:
                inner = renames.setdefault(scope, {})
                inner[new] = inner.get(new) or _fresh(new, taken)
            scope = scope.parent
    return renames


def _fresh(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    taken.add(f"{name}_{number}")
    return f"{name}_{number}"


def _replace(node: Named, old: str, new: str) -> None:
    if isinstance(node, ast.Name):
        node.id = new
    elif isinstance(node, ast.arg):
        node.arg = new
    else:
        node.names = [new if name == old else name for name in node.names]


def _rename_keywords(
    call: Call,
    found: ScopedNames,
    renames: Mapping[Scope, Mapping[str, str]],
    edits: _Edits,
) -> None:
    """`f(old=1)`, where f is the function itself or one inside it."""
    home = call.scope.owner(call.function) or found.root
    names = renames.get(home.functions.get(call.function, found.root), {})
    for keyword in call.node.keywords:
        old = keyword.arg or ""
        if old not in names:
            continue
        keyword.arg = names[old]
        if call.text is not None:
            edits.anew(call.text)
        else:
            edits.name(keyword, old, names[old])


class _Edits:
    """Changes to a source at places of its tree, which counts lines and bytes."""

    def __init__(self, source: str) -> None:
        self._data = source.encode()
        self._starts = [0]
        for line in self._data.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._changes: dict[tuple[int, int], str | ast.AST] = {}

    def name(self, node: ast.Name | ast.arg | ast.keyword, old: str, new: str) -> None:
        """Put another name where a node begins with one."""
        start = self._starts[node.lineno - 1] + node.col_offset
        self._changes[start, start + len(old.encode())] = new

    def anew(self, node: ast.expr | ast.stmt) -> None:
        """Write a node anew, as its tree is once all is renamed."""
        start = self._starts[node.lineno - 1] + node.col_offset
        end = self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        self._changes[start, end] = node

    def applied(self) -> str:
        """The source with its changes."""
        data = self._data
        for (start, end), new in sorted(self._changes.items(), key=lambda item: -item[0][0]):
            text = new if isinstance(new, str) else ast.unparse(new)
            data = data[:start] + text.encode() + data[end:]
        return data.decode()
