"""`xgen eval lm-eval`: tasks of lm-evaluation-harness on an xgen model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from xgen_core import ModelInfo
    from xgen_core.report import Table

__all__ = ["lm_eval"]


@click.command("lm-eval")
@click.option("--model", "-m", required=True, help="scheme:rest, or a checkpoint directory.")
@click.option("--tasks", required=True, help="Names of tasks and groups, separated by commas.")
@click.option(
    "--include-path",
    type=click.Path(exists=True, file_okay=False),
    help="Directory of task files. Tasks that are all there start at once; the harness's own take "
    "it some ten seconds to read.",
)
@click.option(
    "--shots",
    type=click.IntRange(min=0),
    help="Solved examples; a task that is asked without keeps to that.",
)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many items a task.")
@click.option("--output", "-o", required=True, type=click.Path(), help="A run directory.")
@click.option("--json", "as_json", is_flag=True, help="Print lm-eval.json instead of a table.")
def lm_eval(
    model: str,
    tasks: str,
    include_path: str | None,
    shots: int | None,
    limit: int | None,
    output: str,
    as_json: bool,
) -> None:
    """Run tasks of lm-evaluation-harness (needs `xgen-eval[lm-eval]`).

    Its results are stored as lm-eval.json, and as a section of the page, in a directory of their
    own or in that of an evaluation of the same model.

    \b
    Example:
      xgen eval lm-eval -m runs/base/checkpoints --tasks lambada_openai,mmlu -o runs/eval
    """
    from pathlib import Path

    from xgen_core import InputError
    from xgen_core.files import write_json
    from xgen_core.report import Section
    from xgen_eval.adapters.lm_eval import XgenLM

    names = [name.strip() for name in tasks.split(",") if name.strip()]
    if not names:
        raise InputError("--tasks takes names separated by commas, got none")
    manager = _manager(names, include_path)
    uri = f"local:{model}" if Path(model).is_dir() else model
    import lm_eval as harness  # pyright: ignore[reportMissingImports]

    with XgenLM.open(uri) as opened:
        info = opened.model.info
        run = _run(Path(output), info)
        try:
            found = harness.simple_evaluate(
                model=opened,
                tasks=names,
                num_fewshot=shots,
                limit=limit,
                task_manager=manager,
                log_samples=False,
            )
        except OSError as error:
            first = str(error).strip().split("\n")[0]
            raise InputError(
                f"lm-eval could not get the data of {tasks} ({first}): is the network there?"
            ) from error
    parts = ("results", "groups", "versions", "n-shot", "n-samples", "higher_is_better")
    stored = {
        "lm_eval": harness.__version__,
        "model": info.to_json(),
        "limit": limit,
        **{part: found[part] for part in parts if part in found},
    }
    stored = json.loads(json.dumps(stored, default=float))  # numpy's numbers are in it
    path = run.directory / "lm-eval.json"
    write_json(path, stored)
    table = _table(stored)
    run.write_section(
        "30-lm-eval",
        Section(title=f"lm-evaluation-harness {stored['lm_eval']}", blocks=(table,)),
    )
    if as_json:
        click.echo(path.read_text("utf-8"), nl=False)
        return
    for row in (table.columns, *table.rows):
        click.echo("  ".join("" if cell is None else f"{cell}" for cell in row))
    click.echo(f"\n{path}")


def _manager(names: list[str], include_path: str | None) -> Any:
    """A task manager that knows the names, with the harness's own tasks only where it must."""
    from lm_eval.tasks import TaskManager  # pyright: ignore[reportMissingImports]

    own = TaskManager(include_path=include_path, include_defaults=False)
    if include_path and set(names) <= set(own.all_tasks):
        return own
    click.echo("reading the tasks of lm-evaluation-harness …", err=True)
    manager = TaskManager(include_path=include_path)
    _check_names(names, manager.all_tasks)
    return manager


def _check_names(names: list[str], known: list[str]) -> None:
    """Refuse a name that none of thousands of tasks has."""
    import difflib

    from xgen_core import InputError

    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            hint = f"; near it are {', '.join(near)}" if near else ""
            raise InputError(f"lm-eval has no task {name!r}{hint}")


def _run(directory: Path, info: ModelInfo) -> Any:
    """The run directory: new, or that of an evaluation of this model."""
    from xgen_core import InputError, Run

    if not (directory / "run.json").exists():
        return Run.create(directory, "lm-eval", {"model": info.to_json()})
    run = Run.open(directory)
    if run.kind not in ("eval", "lm-eval") or run.recipe.get("model") != info.to_json():
        raise InputError(
            f"{directory} holds a run of something else than {info.identity}: give another "
            "directory"
        )
    return run


def _table(stored: Any) -> Table:
    from xgen_core.report import Table

    rows: list[tuple[Any, ...]] = []
    for task, metrics in {**stored["results"], **stored.get("groups", {})}.items():
        for key, value in metrics.items():
            name, comma, chosen = key.partition(",")
            if not comma or name.endswith("_stderr") or not isinstance(value, float):
                continue
            error = metrics.get(f"{name}_stderr,{chosen}")
            error = round(error, 4) if isinstance(error, float) else None
            shots = stored.get("n-shot", {}).get(task)
            rows.append((task, name, chosen, shots, round(value, 4), error))
    return Table(
        columns=("task", "metric", "filter", "shots", "value", "±"),
        rows=tuple(rows),
        caption="Figures and standard errors as lm-evaluation-harness computes them.",
    )
