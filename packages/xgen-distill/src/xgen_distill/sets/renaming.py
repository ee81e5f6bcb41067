"""A function with other names for its parameters, the rest of its text as it was.

A name is renamed where Python would look it up in the function: nested functions, comprehensions
and classes that bind it themselves keep theirs. A name that is in the way gets a number.

    def total(lst):                            def total(list):
        n = 0                                      n = 0
        return sum(n for n in lst)      →          return sum(n for n in list)
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from xgen_distill.program import parse_program
from xgen_distill.sets.unfit import Unfit

__all__ = ["rename_parameters"]

_TEXTUAL = frozenset({"eval", "exec", "locals", "vars", "dir"})
"""Built-in functions that know names by their text."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Named = ast.Name | ast.arg | ast.Nonlocal


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
    reader = _Reader(source)
    reader.visit(tree)
    function = reader.root.functions[tree.body[0].name]
    renames = _conflict_free(reader, function, dict(names))
    edits: dict[tuple[int, int], ast.expr | str] = {}
    for use in reader.uses:
        owner = use.scope.owner(use.name)
        new = renames.get(owner, {}).get(use.name) if owner else None
        if new is None:
            continue
        if use.node is None:
            raise Unfit("name conflict", f"{use.name} is bound by more than an assignment")
        _replace(use.node, use.name, new)
        span = reader.span(use.text or use.node)
        if use.text is not None:
            edits[span] = use.text
        elif isinstance(use.node, ast.Nonlocal):
            edits[span] = f"nonlocal {', '.join(use.node.names)}"
        else:
            edits[span[0], span[0] + len(use.name.encode())] = new
    for call in reader.calls:
        _rename_keywords(call, reader, renames, edits)
    data = source.encode()
    for (start, end), new in sorted(edits.items(), reverse=True):
        text = new if isinstance(new, str) else ast.unparse(new)
        data = data[:start] + text.encode() + data[end:]
    renamed = data.decode()
    again = parse_program(renamed)
    if again is None or ast.dump(again) != ast.dump(tree):
        raise Unfit("name conflict", "its parameters cannot be renamed in its text")
    return renamed


@dataclass(slots=True, eq=False)
class _Scope:
    """Names of a function, a lambda, a comprehension, a class, or the module."""

    parent: _Scope | None
    kind: str
    bound: set[str] = field(default_factory=set[str])
    outer: set[str] = field(default_factory=set[str])
    module: set[str] = field(default_factory=set[str])
    functions: dict[str, _Scope] = field(default_factory=dict[str, "_Scope"])

    def owner(self, name: str) -> _Scope | None:
        """The scope whose variable a name is here; None for the module's and Python's."""
        scope: _Scope | None = self
        while scope is not None and scope.parent is not None:
            if name in scope.module:
                return None
            seen = scope is self or scope.kind != "class"
            if seen and name in scope.bound and name not in scope.outer:
                return scope
            scope = scope.parent
        return None


@dataclass(slots=True, kw_only=True)
class _Use:
    """One place where a name stands: `node` None where it is not bound by assignment."""

    scope: _Scope
    name: str
    node: _Named | None
    text: ast.JoinedStr | None


@dataclass(slots=True, kw_only=True)
class _Call:
    scope: _Scope
    node: ast.Call
    function: str
    text: ast.JoinedStr | None


class _Reader(ast.NodeVisitor):
    """Scopes of a program, the names in them, and calls of named functions."""

    def __init__(self, source: str) -> None:
        self.root = self._scope = _Scope(None, "module")
        self._lines = [0]
        for line in source.encode().splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self._text: ast.JoinedStr | None = None
        self.uses: list[_Use] = []
        self.calls: list[_Call] = []

    def span(self, node: ast.expr | ast.arg | ast.keyword | ast.stmt) -> tuple[int, int]:
        """Where a node begins and ends, in bytes of the source."""
        end = self._lines[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        return self._lines[node.lineno - 1] + node.col_offset, end

    @contextlib.contextmanager
    def _inside(self, kind: str) -> Iterator[_Scope]:
        outer, self._scope = self._scope, _Scope(self._scope, kind)
        yield self._scope
        self._scope = outer

    def _use(self, name: str, node: _Named | None) -> None:
        self.uses.append(_Use(scope=self._scope, name=name, node=node, text=self._text))

    def _bind(self, name: str | None) -> None:
        """A name bound by something else than an assignment."""
        if name:
            self._scope.bound.add(name)
            self._use(name, None)

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._scope.bound.add(node.id)
        self._use(node.id, node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        inner = self._scope
        while self._scope.kind == "comprehension" and self._scope.parent is not None:
            self._scope = self._scope.parent
        self.visit(node.target)
        self._scope = inner

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        outer, self._text = self._text, self._text or node  # Python 3.11 misplaces what is inside
        self.generic_visit(node)
        self._text = outer

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name):
            function = node.func.id
            call = _Call(scope=self._scope, node=node, function=function, text=self._text)
            self.calls.append(call)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._bind(node.name)
        for decorator in node.decorator_list:
            self.visit(decorator)
        self._visit_function(node.name, node.args, node.returns, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the name that `visit` looks for

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_function("", node.args, None, [node.body])

    def _visit_function(
        self,
        name: str,
        arguments: ast.arguments,
        returns: ast.expr | None,
        body: list[ast.stmt] | list[ast.expr],
    ) -> None:
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        named += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
        outside = [*arguments.defaults, *arguments.kw_defaults, *(a.annotation for a in named)]
        for expression in (*outside, returns):  # read where the function is defined
            if expression is not None:
                self.visit(expression)
        outer = self._scope
        with self._inside("function") as scope:
            if name:
                outer.functions[name] = scope
            for argument in named:
                scope.bound.add(argument.arg)
                self._use(argument.arg, argument)
            for item in body:
                self.visit(item)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name)
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        with self._inside("class"):
            for item in node.body:
                self.visit(item)

    def _visit_comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    ) -> None:
        first, *others = node.generators
        self.visit(first.iter)  # read where the comprehension stands
        with self._inside("comprehension"):
            for part in (first.target, *first.ifs, *others):
                self.visit(part)
            values = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
            for value in values:
                self.visit(value)

    visit_ListComp = visit_SetComp = _visit_comprehension  # noqa: N815
    visit_DictComp = visit_GeneratorExp = _visit_comprehension  # noqa: N815

    def visit_Global(self, node: ast.Global) -> None:
        self._scope.module.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self._scope.outer.update(node.names)
        for name in tuple(node.names):
            self._use(name, node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._bind(node.name)
        self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> None:
        self._bind(node.asname or node.name.partition(".")[0])

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        self._bind(node.name)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        self._bind(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self._bind(node.rest)
        self.generic_visit(node)


def _conflict_free(
    reader: _Reader, function: _Scope, names: dict[str, str]
) -> dict[_Scope, dict[str, str]]:
    """What to rename in each scope so that every name still means what it meant."""
    taken = {use.name for use in reader.uses} | set(names.values())
    for use in reader.uses:
        if use.scope.owner(use.name) is None and use.scope is not reader.root:
            if use.name in names.values():
                raise Unfit("name conflict", f"the header's {use.name} hides one that it uses")
            if use.name in _TEXTUAL:
                raise Unfit("name conflict", f"{use.name} may know its parameters by their text")
    for name in sorted((function.bound & set(names.values())) - set(names)):
        names[name] = _fresh(name, taken)
    renames = {function: names}
    for use in reader.uses:
        if use.scope.owner(use.name) is not function or use.name not in names:
            continue
        scope, new = use.scope, names[use.name]
        while scope is not function and scope.parent is not None:
            if new in scope.bound and new not in scope.outer:
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


def _replace(node: _Named, old: str, new: str) -> None:
    if isinstance(node, ast.Name):
        node.id = new
    elif isinstance(node, ast.arg):
        node.arg = new
    else:
        node.names = [new if name == old else name for name in node.names]


def _rename_keywords(
    call: _Call,
    reader: _Reader,
    renames: Mapping[_Scope, Mapping[str, str]],
    edits: dict[tuple[int, int], ast.expr | str],
) -> None:
    """`f(old=1)`, where f is the function itself or one inside it."""
    home = call.scope.owner(call.function) or reader.root
    names = renames.get(home.functions.get(call.function, reader.root), {})
    for keyword in call.node.keywords:
        new = names.get(keyword.arg or "")
        if new is None or keyword.arg is None:
            continue
        start, _ = reader.span(call.text or keyword)
        if call.text is not None:
            edits[reader.span(call.text)] = call.text
        else:
            edits[start, start + len(keyword.arg.encode())] = new
        keyword.arg = new
