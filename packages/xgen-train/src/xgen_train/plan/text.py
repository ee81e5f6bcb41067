"""A plan in words, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from xgen_train.plan.planner import Plan
from xgen_train.plan.sweep import Outcome

__all__ = ["describe", "table"]

GIB = 2**30


def describe(plan: Plan) -> str:
    """All of a plan, some thirty lines."""
    mesh = ",".join(f"{axis}={size}" for axis, size in plan.mesh.items() if size != 1) or "1"
    flops, hbm = plan.flops_per_token, plan.hbm
    lines = [
        f"PREDICTED, not measured: {plan.basis}, in {plan.compile_seconds:.0f} s",
        "",
        f"{plan.topology}: {plan.chips} chips, mesh {mesh}",
        f"{plan.sequence_length:,} tokens x {plan.batch_per_chip:g} rows a chip "
        f"= {plan.tokens_per_step:,} tokens a step, remat {plan.remat}",
        f"{plan.parameters:,} parameters",
        "",
        "FLOPs a token",
        f"  6N + 12LDT (PaLM)      {flops.palm / 1e9:9.2f} G",
        f"  6N + 6LDT (causal)     {flops.causal / 1e9:9.2f} G",
        f"  6N                     {flops.six_n / 1e9:9.2f} G",
        f"  done by the hardware   {flops.hardware / 1e9:9.2f} G",
        "",
        "memory of a chip",
        f"  arguments              {hbm.arguments_bytes / GIB:9.3f} GiB",
        f"  temporaries            {hbm.temporaries_bytes / GIB:9.3f} GiB",
        f"  outputs minus aliased  {(hbm.outputs_bytes - hbm.aliased_bytes) / GIB:9.3f} GiB",
        f"  program                {hbm.code_bytes / GIB:9.3f} GiB",
        f"  together               {hbm.total / GIB:9.3f} GiB{_capacity(plan)}",
        "",
        "collectives of a step, on each chip       count      arrays    over links",
    ]
    for kind, found in plan.collectives.items():
        if found.count:
            lines.append(
                f"  {kind:<36} {found.count:8,} {found.bytes / GIB:7.2f} GiB"
                f" {found.wire_bytes / GIB:9.2f} GiB"
            )
    if plan.unknown_loops:
        lines.append(f"  {plan.unknown_loops} loops of unknown length are counted once")
    return "\n".join([*lines, *_roofline(plan), *_bill(plan)])


def _capacity(plan: Plan) -> str:
    if plan.hbm_capacity_bytes is None:
        return ""
    verdict = "fits" if plan.fits else "DOES NOT FIT"
    return f" of {plan.hbm_capacity_bytes / GIB:g}: {verdict}"


def _roofline(plan: Plan) -> list[str]:
    found = plan.roofline
    if found is None:
        return []
    return [
        "",
        "least time of a step, at the chip's published peaks",
        f"  arithmetic             {found.compute_seconds:9.3f} s",
        f"  memory                 {found.memory_seconds:9.3f} s",
        f"  links                  {found.link_seconds:9.3f} s",
        f"  bound by {found.binds}: at most {found.tokens_per_second_per_chip:,.0f} tokens/s/chip, "
        f"{found.mfu_percent:.1f} % MFU",
    ]


def _bill(plan: Plan) -> list[str]:
    found = plan.bill
    if found is None:
        return []
    each = f"{found.chip_hours_per_trillion:,.0f} chip-hours"
    whole = f"{found.chip_hours:,.0f} chip-hours, {found.days:.1f} days on {plan.chips} chips"
    if found.price is not None:
        each += f", ${found.dollars_per_trillion:,.0f}"
        whole += f", ${found.dollars:,.0f}"
    price = "" if found.price is None else f" and ${found.price:g} a chip-hour"
    tokens = sum(phase.tokens for phase in found.phases)
    return [
        "",
        f"bill at {found.mfu_percent:g} % MFU{price}: "
        f"{found.tokens_per_second_per_chip:,.0f} tokens/s/chip",
        f"  10^12 tokens at {plan.sequence_length:,}: {each}",
        f"  the recipe's {tokens:,} tokens: {whole}",
    ]


def table(outcomes: Sequence[Outcome]) -> str:
    """A sweep, one line a point."""
    lines = [
        "PREDICTED, not measured; the bound is the roofline's, not a forecast",
        f"{'rows/chip':>9}  {'remat':<10} {'mesh':<24} {'GiB/chip':>8}"
        f"  {'bound tok/s/chip':>16}  fits",
    ]
    for outcome in outcomes:
        rows = "-" if outcome.batch_per_chip is None else f"{outcome.batch_per_chip:g}"
        start = f"{rows:>9}  {outcome.remat or '-':<10} {outcome.mesh:<24}"
        if outcome.plan is None:
            lines.append(f"{start} no: {outcome.refusal}")
            continue
        plan = outcome.plan
        rate = "-"
        if plan.roofline is not None:
            rate = f"{plan.roofline.tokens_per_second_per_chip:,.0f}"
        fits = {True: "yes", False: "no", None: "-"}[plan.fits]
        lines.append(f"{start} {plan.hbm.total / GIB:>8.2f}  {rate:>16}  {fits}")
    return "\n".join(lines)
