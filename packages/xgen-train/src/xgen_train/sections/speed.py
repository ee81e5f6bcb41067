"""Throughput of each stage and over the run; wall-clock figures."""

from __future__ import annotations

from jax.sharding import Mesh

from xgen_core import Run
from xgen_core.files import read_jsonl
from xgen_core.records import Scalar
from xgen_core.report import Section, Table, line_plot
from xgen_model import training_flops_per_token
from xgen_train.peak import mesh_peak
from xgen_train.recipe import TrainRecipe
from xgen_train.sections.curves import edges, means
from xgen_train.sections.goodput import goodput

__all__ = ["speed_section"]

_COLUMNS = (
    "stage",
    "sequence length",
    "tokens/s (median step)",
    "slowest step, s",
    "all steps, s",
    "GFLOP/s (6N + 12·L·d·T)",
    "MFU, %",
)


def speed_section(recipe: TrainRecipe, run: Run, mesh: Mesh) -> Section:
    """A table by stage, and tokens a second over the tokens read."""
    timings = run.timings.rows()
    peak = mesh_peak(mesh)
    rows: list[tuple[Scalar, ...]] = []
    for number, (stage, end) in enumerate(zip(recipe.stages, recipe.edges, strict=True), 1):
        seconds = sorted(t["seconds"] for t in timings if end - stage.steps < t["step"] <= end)
        if not seconds:
            continue
        # the first step of a stage compiles, so the median stands for the others
        rate = recipe.batch_tokens / seconds[len(seconds) // 2]
        flops = rate * training_flops_per_token(recipe.model, stage.sequence_length)
        rows.append(
            (
                number,
                stage.sequence_length,
                round(rate),
                round(seconds[-1], 2),
                round(sum(seconds), 1),
                round(flops / 1e9, 1),
                "unknown peak" if peak is None else round(100 * flops / peak, 1),
            )
        )
    steps = [
        {**t, "stage": recipe.stage_of(t["step"] - 1), "tokens": t["step"] * recipe.batch_tokens}
        for t in timings
    ]
    points: list[dict[str, Scalar]] = [
        {"tokens": tokens, "rate": recipe.batch_tokens / seconds}
        for tokens, seconds in means(steps, lambda row: row["seconds"])
    ]
    plot = line_plot(
        rows=points,
        x="tokens",
        y="rate",
        x_title="tokens read",
        y_title="tokens per second",
        rules=edges(recipe),
        description="Tokens per second over the tokens read, compilation included",
    )
    note = "The slowest step of a stage is usually its first, which compiles."
    table = Table(columns=_COLUMNS, rows=tuple(rows), caption=note)
    events = run.directory / "events.jsonl"
    spent = goodput(list(read_jsonl(events)), timings) if events.exists() else ()
    return Section(title="Speed", blocks=(table, plot, *spent))
