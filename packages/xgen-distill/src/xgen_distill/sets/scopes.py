"""Which variable each name of a program is, by Python's rules of scope."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Call", "Named", "Scope", "ScopedNames", "Use"]

Named = ast.Name | ast.arg | ast.Nonlocal
"""What can be given another name."""


@dataclass(slots=True, eq=False)
class Scope:
    """Names of a function, a lambda, a comprehension, a class, or the module.

    Attributes:
        parent: the scope around it; None for the module.
        kind: `"module"`, `"function"` (a lambda too), `"comprehension"` or `"class"`.
        bound: names that it binds.
        outer, module: names that it declares `nonlocal` and `global`.
        functions: those that it defines, by name.
    """

    parent: Scope | None
    kind: str
    bound: set[str] = field(default_factory=set[str])
    outer: set[str] = field(default_factory=set[str])
    module: set[str] = field(default_factory=set[str])
    functions: dict[str, Scope] = field(default_factory=dict[str, "Scope"])

    def owner(self, name: str) -> Scope | None:
        """The scope whose variable a name is here; None for the module's and Python's."""
        scope: Scope | None = self
        while scope is not None and scope.parent is not None:
            if name in scope.module:
                return None
            seen = scope is self or scope.kind != "class"
            if seen and name in scope.bound and name not in scope.outer:
                return scope
            scope = scope.parent
        return None


@dataclass(slots=True, kw_only=True)
class Use:
    """One place where a name stands.

    Attributes:
        scope: in which it stands.
        name: as it is written.
        node: the name's own; None where something else than an assignment binds it.
        text: the f-string that it is in.
    """

    scope: Scope
    name: str
    node: Named | None
    text: ast.JoinedStr | None


@dataclass(slots=True, kw_only=True)
class Call:
    """One call of a function by its name.

    Attributes:
        scope: in which it stands.
        node: the call.
        function: the name.
        text: the f-string that it is in.
    """

    scope: Scope
    node: ast.Call
    function: str
    text: ast.JoinedStr | None


@dataclass(slots=True)
class ScopedNames:
    """The names of a program.

    Attributes:
        root: the module's scope.
        uses: of names, in the order in which they were read.
        calls: of named functions.
    """

    root: Scope
    uses: list[Use] = field(default_factory=list[Use])
    calls: list[Call] = field(default_factory=list[Call])

    @classmethod
    def of(cls, tree: ast.Module) -> ScopedNames:
        """Read the names of a program."""
        found = cls(Scope(None, "module"))
        _Reader(found).visit(tree)
        return found


class _Reader(ast.NodeVisitor):
    """Walks through a program, scope by scope."""

    def __init__(self, found: ScopedNames) -> None:
        self._found = found
        self._scope = found.root
        self._text: ast.JoinedStr | None = None

    @contextlib.contextmanager
    def _inside(self, kind: str) -> Iterator[Scope]:
        outer, self._scope = self._scope, Scope(self._scope, kind)
        yield self._scope
        self._scope = outer

    def _use(self, name: str, node: Named | None) -> None:
        self._found.uses.append(Use(scope=self._scope, name=name, node=node, text=self._text))

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
            call = Call(scope=self._scope, node=node, function=function, text=self._text)
            self._found.calls.append(call)
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
