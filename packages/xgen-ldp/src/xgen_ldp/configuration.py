"""How lines are to be translated, as a person says it: names, addresses and settings."""

from __future__ import annotations

import re
from dataclasses import dataclass

from xgen_core import InputError
from xgen_core.records import Record
from xgen_ldp.methods import Method, load_method
from xgen_ldp.prompts import Tags

__all__ = ["Configuration", "load_methods"]

_NAMED = re.compile(r"(?:(?P<name>[\w.-]+)=)?(?P<method>[\w-]+)")
_SETTING = re.compile(r"(?P<name>[\w.-]+):(?P<setting>[\w.]+=.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration(Record):
    """Everything that decides a translation, but for the texts.

    Attributes:
        model: its URI.
        methods: their names, each `METHOD` or `NAME=METHOD`, so that one can stand there twice.
        settings: `FIELD=VALUE` of every method, or `NAME:FIELD=VALUE` of one.
        languages: of the exemplars, for methods that can choose; none: each method's own.
        tags: what stands before a text in prompts.
        bank: of exemplars, as `open_bank` takes it; empty for the one of the package.
        chat: send prompts as a user's message, for models that know conversations only.
        seed: of every choice and every request.
    """

    model: str
    methods: tuple[str, ...] = ("ldp",)
    settings: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: Tags = "name"
    bank: str = ""
    chat: bool = False
    seed: int = 0


def load_methods(configuration: Configuration) -> dict[str, Method]:
    """The methods with their settings, by the name that they go by in a run.

    Raises:
        InputError: no such method, two of one name, a setting for one that is not there, or
            languages where no method chooses by them.
        RecipeError: a setting that a method does not have, or a value that does not fit.
    """
    chosen: dict[str, str] = {}
    for text in configuration.methods:
        form = _NAMED.fullmatch(text)
        if form is None:
            raise InputError(f"--method takes METHOD or NAME=METHOD, got {text!r}")
        name = form["name"] or form["method"]
        if name in chosen:
            raise InputError(f"two methods are called {name!r}: name one, --method NAME={text}")
        chosen[name] = form["method"]
    settings: dict[str, list[str]] = {name: [] for name in chosen}
    for text in configuration.settings:
        form = _SETTING.fullmatch(text)
        if form is not None and form["name"] not in chosen:
            raise InputError(f"--set {text}: no --method is called {form['name']!r}")
        for name in [form["name"]] if form else list(chosen):
            settings[name].append(form["setting"] if form else text)
    if configuration.languages:
        asked = f"languages={','.join(configuration.languages)}"
        choosing = [
            name for name, method in chosen.items() if hasattr(load_method(method), "languages")
        ]
        if not choosing:
            raise InputError(f"no --method chooses exemplars by language: {', '.join(chosen)}")
        for name in choosing:
            settings[name].insert(0, asked)
    return {name: load_method(method, settings[name]) for name, method in chosen.items()}
