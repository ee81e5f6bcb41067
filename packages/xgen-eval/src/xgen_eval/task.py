"""What a task is, what it returns, and how one is found.

A task is a frozen dataclass whose fields are its settings, all with defaults, so that
`--set NAME.field=value` can change them. Any package adds one by an entry point in the group
`xgen.tasks` that names the class.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast, runtime_checkable

from xgen_core import PluginError, ScoringModel
from xgen_core.plugins import available, load
from xgen_core.progress import Progress
from xgen_core.records import Record, Scalar
from xgen_core.report import Section
from xgen_eval.inputs import Inputs
from xgen_eval.statistics import Estimate, t_interval, wilson_interval

__all__ = ["Metric", "Task", "TaskResult", "load_task", "task_names"]

_GROUP = "xgen.tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Record):
    """One number and how sure one may be of it.

    Attributes:
        value: the number.
        n: how many independent units (items, windows, documents) it rests on.
        unit: `"bits/byte"`, `"nats/token"`; empty for a fraction.
        stderr: one standard error; None where a single unit says nothing about spread.
        interval: the 95 % interval.
    """

    value: float
    n: int
    unit: str = ""
    stderr: float | None = None
    interval: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        numbers = (self.value, self.stderr or 0.0, *(self.interval or ()))
        if not all(math.isfinite(x) for x in numbers):
            raise ValueError(f"a metric must be finite, got {numbers}")
        if self.n < 1:
            raise ValueError(f"a metric over n = {self.n} units says nothing")

    @property
    def uncertainty(self) -> str:
        """One standard error as `± x`, the 95 % interval as `a – b`, as far as they are known."""
        parts = [] if self.stderr is None else [f"± {self.stderr:.4f}"]
        if self.interval is not None:
            parts.append(f"{self.interval[0]:.4f} – {self.interval[1]:.4f}")
        return "  ".join(parts)

    @classmethod
    def of(cls, estimate: Estimate, unit: str = "") -> Metric:
        """A metric from an estimate, with its standard error and Student's 95 % interval."""
        value, stderr, n = estimate
        return cls(value=value, stderr=stderr, n=n, unit=unit, interval=t_interval(estimate))

    @classmethod
    def proportion(cls, successes: int, n: int) -> Metric:
        """A fraction with its standard error (n - 1 in the variance) and 95 % Wilson interval."""
        p = successes / n
        stderr = math.sqrt(p * (1 - p) / (n - 1)) if n > 1 else None
        return cls(value=p, n=n, stderr=stderr, interval=wilson_interval(successes, n))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What a task found out.

    Attributes:
        name, variant: of the task.
        metrics: by name. `NAME/PART` is the same metric for one part (a source, a window length);
            a name with `@` is a finer breakdown, which the terminal's table leaves out.
        items: one row of scalars for each scored thing, in a fixed order.
        sections: what the report page shows.
    """

    name: str
    variant: str
    metrics: Mapping[str, Metric]
    items: tuple[Mapping[str, Scalar], ...]
    sections: tuple[Section, ...] = ()


@runtime_checkable
class Task(Protocol):
    """Something that can be asked of a model; implementations are frozen dataclasses."""

    @property
    def name(self) -> str:
        """What it is called on the command line and in results."""
        ...

    @property
    def variant(self) -> str:
        """Names the exact procedure; changes whenever the numbers could."""
        ...

    @property
    def summary(self) -> str:
        """One line for `xgen eval list`."""
        ...

    @property
    def needs(self) -> Literal["score", "generate"]:
        """What the model must be able to do."""
        ...

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """The files that `run` will read; results are pinned to their checksums.

        Raises:
            InputError: it needs some that were not given.
        """
        ...

    async def run(self, model: ScoringModel, inputs: Inputs, progress: Progress) -> TaskResult:
        """Ask the model and compute the metrics; the same model and inputs give the same result.

        Args:
            model: entered, and checked against `needs`: one that only generates may be given to a
                task that asks for no more, which then declares `model: Model`.
            inputs: held-out documents, seed and limit.
            progress: to be given a `total` and advanced.

        Raises:
            InputError: the inputs do not fit the task.
            ModelError: the model failed.
        """
        ...


def task_names() -> list[str]:
    """Names of all installed tasks, sorted."""
    return sorted(available(_GROUP))


def load_task(name: str) -> Task:
    """The task of that name with its default settings.

    Raises:
        PluginError: no installed package provides it (the nearest name is given), or what is
            registered is not a task.
    """
    kind = load(_GROUP, name)
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise PluginError(f"{_GROUP} {name!r} is not a dataclass: {kind!r}")
    try:
        task = kind()
    except TypeError as error:
        raise PluginError(f"{_GROUP} {name!r} has a setting without a default: {error}") from error
    if not isinstance(task, Task) or task.name != name:
        raise PluginError(f"{_GROUP} {name!r} is not a task of that name: {kind!r}")
    return cast(Task, task)
