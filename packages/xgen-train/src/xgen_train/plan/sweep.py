"""Many plans of one stage: batch × rematerialisation × mesh, the best that fits first."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core import InputError
from xgen_core.progress import track
from xgen_train.plan.planner import Plan, Planner, PlanRequest, parse_mesh
from xgen_train.plan.program import TooLargeError

__all__ = ["Outcome", "parse_sweep", "sweep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One point: its plan, or in one line why there is none."""

    batch_per_chip: float | None
    remat: str | None
    mesh: str
    plan: Plan | None
    refusal: str = ""

    @property
    def rank(self) -> tuple[bool, float]:
        """For sorting: what fits first, then by the roofline's tokens a second."""
        if self.plan is None:
            return True, 0.0
        rate = 0.0 if self.plan.roofline is None else self.plan.roofline.tokens_per_second_per_chip
        return self.plan.fits is False, -rate


def parse_sweep(texts: Sequence[str], request: PlanRequest) -> list[PlanRequest]:
    """`batch=1/2/4`, `remat=full/attention`, `mesh=fsdp=128/fsdp=64,tensor=2` as requests.

    Raises:
        InputError: something else than those three, or a value that is none.
    """
    choices: dict[str, list[object]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        parts = [v for v in values.split("/") if v]
        if name not in ("batch", "remat", "mesh") or not parts:
            raise InputError(
                "--sweep takes batch=1/2/4, remat=full/attention or mesh=fsdp=128/fsdp=64,tensor=2,"
                f" got {text!r}"
            )
        if name == "batch":
            try:
                choices["batch_per_chip"] = [float(v) for v in parts]
            except ValueError:
                raise InputError(f"--sweep batch takes numbers, got {values!r}") from None
        elif name == "mesh":
            choices["mesh"] = [parse_mesh(v) for v in parts]
        else:
            choices["remat"] = list(parts)
    return [
        dataclasses.replace(request, **dict(zip(choices, point, strict=True)))
        for point in itertools.product(*choices.values())
    ]


def sweep(planner: Planner, requests: Sequence[PlanRequest]) -> list[Outcome]:
    """Plan each; points that cannot be say why."""
    outcomes: list[Outcome] = []
    for request in track(requests, "planning", len(requests), unit="plans"):
        plan, refusal = None, ""
        try:
            plan = planner.plan(request)
        except (InputError, TooLargeError) as error:
            refusal = str(error)
        mesh = request.mesh or {"fsdp": planner.topology.chips}
        outcomes.append(
            Outcome(
                batch_per_chip=request.batch_per_chip if plan is None else plan.batch_per_chip,
                remat=request.remat if plan is None else plan.remat,
                mesh=",".join(f"{axis}={size}" for axis, size in mesh.items() if size != 1),
                plan=plan,
                refusal=refusal,
            )
        )
    return sorted(outcomes, key=lambda outcome: outcome.rank)
