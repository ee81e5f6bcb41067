"""The tables of `distill_mechanism.py`, from what lies in the directories of its seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from distill_mechanism_tasks import habitual_bodies
from distill_mechanism_world import HEADER, Chain

from xgen_core.files import read_jsonl
from xgen_distill import read_items
from xgen_distill.inference import Solved
from xgen_distill.results import RunResults
from xgen_distill.sets import SETS, SetName, read_sets
from xgen_eval.metrics.pass_at_k import pass_at_k
from xgen_eval.statistics import paired_bootstrap

__all__ = ["model_name", "print_tables"]

_CURVE: tuple[SetName, ...] = ("stand", "inpd", "persd")


@dataclass(frozen=True, kw_only=True)
class Scores:
    """One model of one seed: pass@k of each task, after a step.

    Attributes:
        tasks: by id, for each step whether the samples pass.
    """

    tasks: Mapping[str, Sequence[Sequence[bool]]]

    def by_task(self, step: int, k: int) -> list[float]:
        """In the order of the tasks."""
        steps = [task[step - 1] for task in self.tasks.values()]
        return [pass_at_k(len(samples), sum(samples), k) for samples in steps]

    def mean(self, step: int, k: int) -> float:
        """In percent."""
        return 100 * fmean(self.by_task(step, k))


def read_scores(place: Path, model: str) -> Scores | None:
    """None where the model was not asked yet."""
    run = place / "asked" / model
    if not (run / "results.json").exists():
        return None
    solved = sorted(read_jsonl(run / "items" / "pass1.jsonl", _solved), key=lambda one: one.task)
    return Scores(
        tasks={
            one.task: [[step.passed for step in one.at(number)] for number in (1, 2)]
            for one in solved
        }
    )


def _solved(row: object) -> Solved:
    assert isinstance(row, dict)
    return Solved.from_json({key: value for key, value in row.items() if key != "id"})


def model_name(name: SetName, count: int, steps: int) -> str:
    """Of the student tuned on a set's rows of so many tasks, for so many steps."""
    return f"{name}-{count}-{steps}"


def print_tables(places: Sequence[Path], comparisons: Sequence[tuple[SetName, int, int]]) -> None:
    """All of them, of what there is.

    Args:
        places: one a seed.
        comparisons: sets, numbers of tasks and of steps; the first two numbers are the main ones.
    """
    places = [place for place in places if read_scores(place, "base")]
    _print_harvest(places)
    _, tasks, steps = comparisons[0]
    persd = _all(places, model_name("persd", tasks, steps))
    print(
        "\n| set | rows | pass@1, step 1 | pass@5, step 1 | pass@1, step 2 | PERsD above it |\n"
        "|---|---|---|---|---|---|"
    )
    _print_row("none", "–", _all(places, "base"), persd)
    for name in SETS:
        rows = [len(read_sets(place / "run" / "sets").rows[name]) for place in places]
        _print_row(name, _spread(rows, "d"), _all(places, model_name(name, tasks, steps)), persd)
    print("\n| tasks | steps | " + " | ".join(_CURVE) + " | PERsD above StanD | above InpD |")
    print("|---" * (len(_CURVE) + 4) + "|")
    for count, long in dict.fromkeys((count, long) for _, count, long in comparisons):
        models = [_all(places, model_name(name, count, long)) for name in _CURVE]
        cells = [_means(one, 1, 1) for one in models]
        cells += [_above(models[-1], other) for other in models[:-1]]
        print(f"| {count} | {long} | " + " | ".join(cells) + " |")


def _all(places: Sequence[Path], model: str) -> list[Scores | None]:
    return [read_scores(place, model) for place in places]


def _print_row(
    name: str, rows: str, models: Sequence[Scores | None], persd: Sequence[Scores | None]
) -> None:
    cells = [_means(models, step, k) for step, k in ((1, 1), (1, 5), (2, 1))]
    above = "" if name == "persd" else _above(persd, models)
    print(f"| {name} | {rows} | " + " | ".join(cells) + f" | {above} |")


def _means(models: Sequence[Scores | None], step: int, k: int) -> str:
    return _spread([one.mean(step, k) for one in models if one], ".1f")


def _spread(values: Sequence[float], form: str) -> str:
    """Mean over seeds, and the least and the greatest."""
    if not values:
        return ""
    mean = f"{fmean(values):{'.0f' if form == 'd' else form}}"
    return f"{mean} ({min(values):{form}} to {max(values):{form}})"


def _above(first: Sequence[Scores | None], second: Sequence[Scores | None]) -> str:
    """How far the first is above the second: over all seeds with its interval, and seed by seed."""
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a and b]
    if not pairs:
        return ""
    by_seed = [
        [x - y for x, y in zip(a.by_task(1, 1), b.by_task(1, 1), strict=True)] for a, b in pairs
    ]
    found = paired_bootstrap([100 * value for seed in by_seed for value in seed])
    low, high = found.interval or (0.0, 0.0)
    seeds = ", ".join(f"{100 * fmean(seed):+.1f}" for seed in by_seed)
    return f"{found.value:+.1f} [{low:+.1f}, {high:+.1f}]; {seeds}"


def _print_harvest(places: Sequence[Path]) -> None:
    """What the student wrote for the tasks to learn from, and what became of it."""
    print(
        "| seed | tasks | right | wrong by habit | wrong otherwise | attempt ~ repair | ~ direct |"
    )
    print("|---|---|---|---|---|---|---|")
    for place in places:
        items = read_items(place / "run")
        chains = list(read_jsonl(place / "tasks.chains.jsonl", Chain.from_json))
        of = {task.id: chain for task, chain in zip(items.tasks, chains, strict=True)}
        kinds: Counter[str] = Counter()
        for attempt in items.attempts:
            body = attempt.program.removeprefix(HEADER)
            habitual = body in habitual_bodies(of[attempt.task])
            kinds["right" if attempt.passed else "habit" if habitual else "other"] += 1
        results = RunResults.read(place / "run" / "results.json")
        like = results.likeness["tokens"]
        print(
            f"| {place.name} | {len(items.tasks)} | {kinds['right']} | {kinds['habit']} | "
            f"{kinds['other']} | {like.attempt_refinement:.2f} | {like.attempt_gold:.2f} |"
        )
