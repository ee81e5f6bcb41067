"""A run of `xgen distill run` that is done, as its directory holds it."""

from __future__ import annotations

from pathlib import Path

from xgen_core import InputError, Run
from xgen_core.lm import CallStore
from xgen_core.lm.asker import CallTimes
from xgen_core.recipe import load_settings
from xgen_distill.items import RunItems, read_items
from xgen_distill.results import RunResults
from xgen_distill.run_recipe import KIND, RunRecipe

__all__ = ["StoredRun"]


class StoredRun:
    """A finished run, read.

    Attributes:
        run, directory: where it lies.
        recipe: what it rests on.
        items: what it found out.
        results: its figures.
    """

    def __init__(self, directory: Path | str) -> None:
        """Read it.

        Raises:
            InputError: there is no such run, or it is not finished.
            FormatError: a file of it is damaged, or of another release.
        """
        self.run = Run.open(directory)
        self.directory = self.run.directory
        if self.run.kind != KIND:
            raise InputError(f"{directory}: a run of kind {self.run.kind!r}, not of {KIND!r}")
        path = self.directory / "results.json"
        if not path.is_file():
            raise InputError(
                f"{directory}: not finished (no results.json in it): give the same command of "
                "xgen distill run again"
            )
        self.recipe = load_settings(RunRecipe, self.run.recipe, f"{directory}/run.json")
        self.items: RunItems = read_items(directory)
        self.results = RunResults.read(path)

    def times(self) -> CallTimes:
        """How long its calls took; none where `calls.sqlite` is gone."""
        path = self.directory / "calls.sqlite"
        if not path.is_file():
            return CallTimes()
        with CallStore(path, read_only=True) as store:
            return CallTimes.read(store)
