"""Names that a program takes from outside itself, as Python's own symbol tables tell."""

from __future__ import annotations

import builtins
import symtable
import warnings
from collections.abc import Iterator

__all__ = ["bound_names", "defined_names", "outside_names", "undefined_names"]

_GIVEN = frozenset(dir(builtins)) | {"__name__", "__file__", "__annotations__", "__dict__"}
"""What every module has."""


def outside_names(source: str) -> frozenset[str]:
    """Names that a program reads and does not define, those of Python included.

    Args:
        source: a program that compiles.
    """
    module = _table(source)
    read = {
        symbol.get_name()
        for table in _tables(module)
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (table is module or symbol.is_global())
    }
    return frozenset(read) - defined_names(source)


def undefined_names(source: str) -> frozenset[str]:
    """Names that a program reads and that neither it nor Python defines."""
    return outside_names(source) - _GIVEN


def defined_names(source: str) -> frozenset[str]:
    """Names that a program defines at its top level, wherever it does so."""
    module = _table(source)
    return frozenset(
        symbol.get_name()
        for table in _tables(module)
        for symbol in table.get_symbols()
        if (table is module or symbol.is_declared_global())
        and (symbol.is_assigned() or symbol.is_imported())
    )


def bound_names(source: str, function: str) -> frozenset[str]:
    """Names that a function at the top level binds: its parameters and its variables."""
    return frozenset(
        symbol.get_name()
        for table in _table(source).get_children()
        if table.get_name() == function
        for symbol in table.get_symbols()
        if symbol.is_local()
    )


def _table(source: str) -> symtable.SymbolTable:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about code that is not ours
        return symtable.symtable(source, "program", "exec")


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)
