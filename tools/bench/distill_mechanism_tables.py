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
from xgen_distill.sets import SetName, read_sets
from xgen_eval.metrics.pass_at_k import pass_at_k
from xgen_eval.statistics import paired_bootstrap

__all__ = ["print_tables"]


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


def print_tables(
    places: Sequence[Path],
    sets: Sequence[SetName],
    count: int,
    curve: Sequence[SetName],
    fewer: Sequence[int],
) -> None:
    """All of them, of what there is.

    Args:
        places: one a seed.
        sets: compared on all tasks.
        count: of the tasks.
        curve: sets compared on fewer.
        fewer: how many.
    """
    places = [place for place in places if read_scores(place, "base")]
    _print_harvest(places)
    base = [read_scores(place, "base") for place in places]
    print("\n| set | rows | pass@1, step 1 | pass@5, step 1 | pass@1, step 2 | PERsD above it |")
    print("|---|---|---|---|---|---|")
    _print_row("none", "–", base, _all(places, f"persd-{count}"))
    for name in sets:
        models = _all(places, f"{name}-{count}")
        rows = [len(read_sets(place / "run" / "sets").rows[name]) for place in places]
        _print_row(name, _spread(rows, "d"), models, _all(places, f"persd-{count}"))
    print(
        "\n| tasks | "
        + " | ".join(curve)
        + " | "
        + " | ".join(f"persd above {name}" for name in curve if name != "persd")
        + " |"
    )
    print("|---" * (2 * len(curve)) + "|")
    for number in (count, *fewer):
        cells = [_means(_all(places, f"{name}-{number}"), 1, 1) for name in curve]
        persd = _all(places, f"persd-{number}")
        cells += [_above(persd, _all(places, f"{n}-{number}"), 1) for n in curve if n != "persd"]
        print(f"| {number} | " + " | ".join(cells) + " |")


def _all(places: Sequence[Path], model: str) -> list[Scores | None]:
    return [read_scores(place, model) for place in places]


def _print_row(
    name: str, rows: str, models: Sequence[Scores | None], persd: Sequence[Scores | None]
) -> None:
    cells = [_means(models, step, k) for step, k in ((1, 1), (1, 5), (2, 1))]
    above = "" if name == "persd" else _above(persd, models, 1)
    print(f"| {name} | {rows} | " + " | ".join(cells) + f" | {above} |")


def _means(models: Sequence[Scores | None], step: int, k: int) -> str:
    return _spread([one.mean(step, k) for one in models if one], ".1f")


def _spread(values: Sequence[float], form: str) -> str:
    """Mean over seeds, and the least and the greatest."""
    if not values:
        return ""
    mean = f"{fmean(values):{'.0f' if form == 'd' else form}}"
    return f"{mean} ({min(values):{form}} to {max(values):{form}})"


def _above(first: Sequence[Scores | None], second: Sequence[Scores | None], step: int) -> str:
    """How far the first is above the second: over all seeds with its interval, and seed by seed."""
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a and b]
    if not pairs:
        return ""
    by_seed = [
        [x - y for x, y in zip(a.by_task(step, 1), b.by_task(step, 1), strict=True)]
        for a, b in pairs
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
