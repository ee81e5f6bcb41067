"""Recipes: Python functions that return frozen dataclasses, changed on the command line by `--set`.

A recipe is named `package.module:function` or `path/to/file.py:function`. `--set a.b=c` replaces
one leaf, typed by its annotation; `stages.1.steps=20` reaches into a tuple.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib
import importlib.util
import json
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

from xgen_core.codec import CodecError, decode, encode, unknown_name
from xgen_core.errors import RecipeError

__all__ = ["apply_settings", "fingerprint", "load_function", "load_recipe", "load_settings"]

T = TypeVar("T")


def load_recipe(name: str, kind: type[T], settings: Sequence[str] = ()) -> T:
    """Find a recipe, check that it is a `kind`, and apply `--set` values to it.

    Args:
        name: `package.module:function` or `file.py:function`.
        kind: the dataclass that the function must return.
        settings: `a.b=value` strings.

    Raises:
        RecipeError: no such module or function, another type, or a setting that does not fit.
    """
    recipe = load_function(name, "recipe")()
    if not isinstance(recipe, kind):
        raise RecipeError(
            f"{name} returned a {type(recipe).__name__}, but a {kind.__name__} is needed here"
        )
    return apply_settings(recipe, settings)


def load_function(name: str, what: str) -> Callable[..., object]:
    """Find a function that a user names.

    Args:
        name: `package.module:function` or `file.py:function`.
        what: the function is, for messages.

    Raises:
        RecipeError: no such module, file or function.
    """
    where, _, function = name.rpartition(":")
    if not where or not function:
        raise RecipeError(f"a {what} is named module:function or file.py:function, got {name!r}")
    file = where.endswith(".py")
    module = _load_file(Path(where), what) if file else _load_module(where)
    found = getattr(module, function, None)
    if found is None or not callable(found):
        known = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise RecipeError(f"{where}: " + unknown_name(function, known, what))
    return found


def _load_module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise RecipeError(f"no module {name!r}: is its package installed?") from error
        raise


def _load_file(path: Path, what: str) -> ModuleType:
    if not path.is_file():
        raise RecipeError(f"{path}: no such {what} file")
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    name = f"xgen_recipe_{path.stem}_{digest}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RecipeError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up by name
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise RecipeError(f"{path}:{error.lineno}: {error.msg}") from error
    return module


def apply_settings(recipe: T, settings: Sequence[str]) -> T:
    """Replace leaves of a dataclass tree by `path=value` strings.

    A value is read as JSON where it is JSON (`3`, `1e-4`, `true`, `[1,2]`), otherwise as text; a
    list may be without its brackets (`1,2`, `a,b`).

    Raises:
        RecipeError: no `=`, an unknown field (the nearest is named), or a value of another type.
    """
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not path:
            raise RecipeError(f"--set takes name=value, got {setting!r}")
        try:
            value: object = json.loads(text)
        except json.JSONDecodeError:
            value = text
        try:
            recipe = cast(T, _replace(recipe, type(recipe), path.split("."), value, text, path))
        except (CodecError, ValueError) as error:
            raise RecipeError(f"--set {setting}: {error}") from error
    return recipe


def _replace(
    node: object, kind: object, keys: list[str], value: object, text: str, path: str
) -> object:
    if not keys:
        return _leaf(kind, value, text, path)
    key, rest = keys[0], keys[1:]
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        hints = typing.get_type_hints(type(node))
        names = [field.name for field in dataclasses.fields(node) if field.init]
        if key not in names:
            raise RecipeError(unknown_name(key, names, f"field of {type(node).__name__}"))
        child = _replace(getattr(node, key), hints[key], rest, value, text, path)
        return dataclasses.replace(cast(Any, node), **{key: child})
    if isinstance(node, tuple):
        items = cast("tuple[object, ...]", node)
        if not key.isdigit() or int(key) >= len(items):
            raise RecipeError(f"{path}: {key!r} is not an index below {len(items)}")
        index = int(key)
        element = _element_kind(kind, items[index])
        child = _replace(items[index], element, rest, value, text, path)
        return (*items[:index], child, *items[index + 1 :])
    if isinstance(node, Mapping):
        mapping = dict(cast("Mapping[str, object]", node))
        element = _element_kind(kind, mapping.get(key))
        mapping[key] = _replace(mapping.get(key), element, rest, value, text, path)
        return mapping
    raise RecipeError(f"{path}: {key!r} lies below a {type(node).__name__}, which has no fields")


def _leaf(kind: object, value: object, text: str, path: str) -> object:
    """A value of the kind, from its JSON, its text, or a list of what stands between commas."""
    readings = [value, text]
    with contextlib.suppress(json.JSONDecodeError):
        readings.append(json.loads(f"[{text}]"))
    readings.append(text.split(",") if text else [])
    first: CodecError | None = None
    for reading in readings:
        try:
            return decode(cast("type[object]", kind), reading, path)
        except CodecError as error:
            first = first or error  # `[1]` for a pair is a list too short, not a text
    assert first is not None
    raise first


def _element_kind(kind: object, item: object) -> object:
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return type(item)
    for option in (kind, *typing.get_args(kind)):
        args = [a for a in typing.get_args(option) if a is not Ellipsis]
        if typing.get_origin(option) is tuple and args:
            return args[0]
        if isinstance(typing.get_origin(option), type) and len(args) == 2:
            return args[1]
    return object


def load_settings(kind: type[T], value: object, where: str) -> T:
    """Read a resolved recipe back from JSON.

    Raises:
        RecipeError: an unknown or missing field; names the file and the dotted path.
    """
    try:
        return decode(kind, value)
    except CodecError as error:
        raise RecipeError(f"{where}: {error}") from error


def fingerprint(recipe: object) -> str:
    """Hex sha256 of the recipe's JSON form: equal recipes, equal fingerprints."""
    text = json.dumps(encode(recipe), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
