"""All prompts of a data set, read from a TOML file: ours, or a user's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import cast

from xgen_core import CodecError, InputError
from xgen_core.codec import decode, unknown_name
from xgen_core.records import Record
from xgen_reason.prompts.prompt import Prompt

__all__ = ["PromptSet", "load_prompts", "prompt_sets"]

_DIRECTORY = Path(__file__).parent / "sets"
_GENERAL = "general"
_ANSWERING = frozenset({"standard", "thought", "thought_json", "react"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSet(Record):
    """Prompts by stage, with the number of examples that a method shows.

    Attributes:
        name: of the set.
        shots: examples in the prompts that answer; prompts of other stages show all of theirs.
        prompts: by stage: `standard`, `thought`, `thought_json` and `react` answer; `verify`,
            `answer`, `edit`, `domain`, `query`, `sparql` and `sql` help to.
    """

    name: str
    shots: int = 6
    prompts: Mapping[str, Prompt] = field(default_factory=dict[str, Prompt])

    def prompt(self, stage: str) -> Prompt:
        """The prompt of a stage.

        Raises:
            InputError: the set has none.
        """
        if stage not in self.prompts:
            known = unknown_name(stage, list(self.prompts), "stage")
            raise InputError(f"prompts {self.name!r}: {known}")
        return self.prompts[stage]

    def render(self, stage: str, fields: Mapping[str, str]) -> str:
        """The prompt of a stage for one item; see `Prompt.render`.

        Raises:
            InputError: the set has no such stage, or fewer examples than `shots`.
        """
        prompt = self.prompt(stage)
        if stage not in _ANSWERING:
            return prompt.render(fields)
        if self.shots > len(prompt.shots):
            raise InputError(
                f"prompts {self.name!r}: {self.shots} examples are asked for, and {stage} has "
                f"{len(prompt.shots)}"
            )
        return prompt.render(fields, shots=self.shots)


def prompt_sets() -> list[str]:
    """Names of the sets that come with the package, sorted."""
    return sorted(path.stem for path in _DIRECTORY.glob("*.toml"))


def load_prompts(name: str | Path = _GENERAL, *, shots: int = 6) -> PromptSet:
    """A set of prompts; stages that it does not have are those of the set `general`.

    Args:
        name: of one of `prompt_sets()`, or a TOML file of the same form.
        shots: examples in the prompts that answer, 1 or 6 where the set is ours.

    Raises:
        InputError: no such set, or the file is not of the form.
    """
    path = Path(name)
    if path.suffix == ".toml":
        own = _read(path)
    elif f"{name}" in prompt_sets():
        own = _ours(f"{name}")
    else:
        raise InputError(unknown_name(f"{name}", prompt_sets(), "set of prompts"))
    prompts = {**_ours(_GENERAL), **own}
    return PromptSet(name=path.stem, shots=shots, prompts=prompts)


@cache
def _ours(name: str) -> Mapping[str, Prompt]:
    return _read(_DIRECTORY / f"{name}.toml")


def _read(path: Path) -> Mapping[str, Prompt]:
    try:
        values = tomllib.loads(path.read_text("utf-8"))
        return cast("Mapping[str, Prompt]", decode(dict[str, Prompt], values))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: {error}") from error
    except (CodecError, ValueError) as error:
        raise InputError(f"{path}: not a set of prompts: {error}") from error
